"""Slack, as far as Tocsin needs it: the Web API with its limits, answers to clicks, Socket Mode, a person's clicks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from aiohttp import web

Json = dict[str, Any]


@dataclass
class Slack:
    """A workspace: what stands in it, and how its API behaves. `fails` are answers given before any other."""

    messages: dict[str, Json] = field(default_factory=dict)  # by ts
    calls: list[tuple[str, Json]] = field(default_factory=list)
    fails: list[tuple[int, str]] = field(default_factory=list)  # status, error
    answers: list[Json] = field(default_factory=list)  # by response_url
    answering: int = 200
    silent: int = 0  # messages that are taken and not answered
    url: str = ""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)  # envelopes
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    async def api(self, request: web.Request) -> web.Response:
        """One call of the Web API. An error is told with status 200, as Slack does."""
        method = request.match_info["method"]
        told = json.loads(await request.read() or b"{}") if request.method == "POST" else dict(request.query)
        self.calls.append((method, told))
        if self.fails:
            status, error = self.fails.pop(0)
            return web.json_response({"ok": False, "error": error}, status=status, headers={"Retry-After": "7"})
        if method == "apps.connections.open":
            return web.json_response({"ok": True, "url": self.url.replace("http", "ws") + "/link"})
        if method == "conversations.open":
            return web.json_response({"ok": True, "channel": {"id": told["users"].replace("U", "D", 1)}})
        if method in ("conversations.history", "conversations.replies"):
            assert told["include_all_metadata"] == "1"
            return web.json_response({"ok": True, "messages": self._standing(told)})
        answer = self._message(method, told)
        if self.silent:  # it is there, and nobody hears of it
            self.silent -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer)

    def _standing(self, told: Json) -> list[Json]:
        """The messages of a conversation, or of a thread."""
        there = [one for one in self.messages.values() if one["channel"] == told["channel"]]
        return [one for one in there if one.get("thread_ts") == told.get("ts")]

    def _message(self, method: str, told: Json) -> Json:
        error = wrong(told)
        if error:
            return {"ok": False, "error": error}
        if method == "chat.update":
            if told["ts"] not in self.messages:
                return {"ok": False, "error": "message_not_found"}
            self.messages[told["ts"]] |= told
            return {"ok": True, "channel": told["channel"], "ts": told["ts"]}
        ts = f"17000000{len(self.messages):02}.000100"
        home = told["channel"].replace("U", "D", 1) if told["channel"].startswith("U") else told["channel"]
        self.messages[ts] = told | {"channel": home, "ts": ts}
        return {"ok": True, "channel": home, "ts": ts}

    async def answer(self, request: web.Request) -> web.Response:
        """What comes to a response_url."""
        self.answers.append(json.loads(await request.read()))
        self.heard.set()
        return web.Response(status=self.answering, text="ok")

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """A connection of Socket Mode."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello"}))
        self.sockets.append(socket)
        self.heard.set()
        async for message in socket:
            self.acknowledged.append(json.loads(message.data)["envelope_id"])
            self.heard.set()
        return socket

    def click(self, ts: str, action: str, user: str = "U024ALICE", choice: str = "") -> Json:
        """What Slack sends when somebody presses a button of a message."""
        message = self.messages[ts]
        elements = [one for block in message["blocks"] for one in block.get("elements", []) if "action_id" in one]
        pressed = next(one for one in elements if one["action_id"] == f"tocsin:{action}")
        told = {"action_id": pressed["action_id"], "type": pressed["type"]}
        if choice:
            option = next(one for one in pressed["options"] if one["value"].endswith(f"/{choice}"))
            told["selected_option"] = option
        else:
            told["value"] = pressed["value"]
        return {
            "type": "block_actions",
            "user": {"id": user, "username": "somebody", "team_id": "T1"},
            "container": {"type": "message", "message_ts": ts, "channel_id": message["channel"]},
            "response_url": f"{self.url}/actions/T1/{ts}/x",
            "message": {"ts": ts, "blocks": message["blocks"]},
            "actions": [told],
        }


def form(payload: Json) -> bytes:
    """A payload as Slack posts it."""
    return b"payload=" + quote_plus(json.dumps(payload)).encode()


@asynccontextmanager
async def serving(slack: Slack) -> AsyncIterator[Slack]:
    """The workspace on loopback."""
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.api)
    application.router.add_post("/actions/{path:.*}", slack.answer)
    application.router.add_get("/link", slack.link)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield slack
    finally:
        for socket in slack.sockets:
            await socket.close()
        await runner.cleanup()


def wrong(told: Json) -> str:
    """The error that Slack has for a message beyond its limits (docs.slack.dev/reference/block-kit/blocks)."""
    blocks = told.get("blocks", [])
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(blocks) > 50 or len(set(ids)) != len(ids) or any(len(one) > 255 for one in ids):
        return "invalid_blocks"
    for text in texts(blocks):
        if not 1 <= len(text["text"]) <= 3000:
            return "invalid_blocks"
    for block in blocks:
        if block["type"] == "header" and len(block["text"]["text"]) > 150:
            return "invalid_blocks"
        for one in block.get("elements", []):
            labels = [one["text"]] if one["type"] == "button" else [o["text"] for o in one.get("options", [])]
            values = [one["value"]] if one["type"] == "button" else [o["value"] for o in one.get("options", [])]
            if any(len(label["text"]) > 75 for label in labels) or any(len(value) > 150 for value in values):
                return "invalid_blocks"
    return "msg_too_long" if len(told.get("text", "")) > 40_000 else ""


def texts(value: Any) -> Iterable[Json]:
    """Every text object."""
    if isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "plain_text"):
            yield value
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def dump(blocks: list[Json]) -> str:
    """Blocks as a person reads them: a line each, buttons in brackets."""
    lines = []
    for block in blocks:
        match block["type"]:
            case "header":
                lines.append(f"# {block['text']['text']}")
            case "section":
                said = block["text"]["text"]
                lines.append(f"{said}  {_label(block['accessory'])}" if "accessory" in block else said)
            case "context":
                lines.append("~ " + " ".join(element["text"] for element in block["elements"]))
            case "actions":
                lines.append(" ".join(_label(element) for element in block["elements"]))
    return "\n".join(lines)


def _label(element: Json) -> str:
    if element["type"] == "button":
        return f"[{element['text']['text']}]"
    choices = ", ".join(option["text"]["text"] for option in element["options"])
    return f"[{element['placeholder']['text']}: {choices}]"
