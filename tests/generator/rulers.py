"""A ruler on loopback that speaks the protocol of Mimir's and Cortex's, keeps state, and fails as it is told to.

Source: grafana/mimir and cortexproject/cortex, pkg/ruler/api.go. What a group is worth, a real promtool judges.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from aiohttp import web

from tocsin import duration

MOST_RULES, MOST_GROUPS = 20, 70  # a group, a tenant: Mimir's defaults

Tree = dict[str, Any]


@dataclass
class Ruler:
    """What it holds, by tenant, namespace and group; how it fails; and what it was asked."""

    promtool: Path
    mount: str = "/prometheus/config/v1/rules"
    tenants: dict[str, dict[str, dict[str, Tree]]] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)  # groups
    statuses: list[int] = field(default_factory=list)  # of the next answers, instead of what was asked for
    drops: set[str] = field(default_factory=set)  # groups that are accepted and not kept
    silent: set[str] = field(default_factory=set)  # groups for which no answer comes
    dies_at: str = ""  # the group at which it hangs up, once it has it
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def namespaces(self, tenant: str = "acme") -> dict[str, dict[str, Tree]]:
        return self.tenants.setdefault(tenant, {})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.rel_url.raw_path}")
        self.headers.append(dict(request.headers))
        if self.statuses:
            status = self.statuses.pop(0)
            if status:
                there = {"Location": "https://login.example/in?state=s3cret"} if 300 <= status < 400 else {}
                return web.Response(status=status, text="try again\n", headers=there)
        tenant = request.headers.get("X-Scope-OrgID")
        if not tenant:
            return web.Response(status=401, text="no org id\n")
        parts = [part for part in request.match_info["rest"].split("\0") if part]
        namespaces = self.namespaces(tenant)
        match request.method, parts:
            case "GET", []:
                return self._list(namespaces)
            case "POST", [namespace]:
                return await self._set(request, namespaces, namespace)
            case "DELETE", [namespace, group]:
                return self._delete(namespaces, namespace, group)
        return web.Response(status=405, text="method not allowed\n")

    def running(self, tenant: str) -> web.Response:
        """What Prometheus's API says of the rules that the ruler evaluates: a namespace stands for a file."""
        namespaces = self.namespaces(tenant)
        groups = [_evaluated(file, group) for file, held in namespaces.items() for group in held.values()]
        return web.json_response({"status": "success", "data": {"groups": groups or None}})

    def _list(self, namespaces: dict[str, dict[str, Tree]]) -> web.Response:
        if not namespaces:
            return web.Response(status=404, text="no rule groups found\n")
        tree = {name: list(groups.values()) for name, groups in namespaces.items()}
        return web.Response(text=yaml.safe_dump(tree), content_type="application/yaml")

    async def _set(
        self, request: web.Request, namespaces: dict[str, dict[str, Tree]], namespace: str
    ) -> web.StreamResponse:
        body = await request.text()
        try:
            group = yaml.safe_load(body)
            name = group["name"]
        except (yaml.YAMLError, TypeError, KeyError):
            return web.Response(status=400, text="unable to decode rule group\n")
        if name in self.silent:
            await self.stopping.wait()
        if refusal := await asyncio.to_thread(self._refusal, group, namespaces):
            return web.Response(status=400, text=f"{refusal}\n")
        if name not in self.drops:
            namespaces.setdefault(namespace, {})[name] = _kept(group)
        if name == self.dies_at:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=202, text=json.dumps({"status": "success", "data": None}))

    def _refusal(self, group: Tree, namespaces: dict[str, dict[str, Tree]]) -> str:
        if group["name"] in self.refuses:
            return f'group "{group["name"]}", rule 0: could not parse expression'
        if len(group["rules"]) > MOST_RULES:
            return f"per-user rules per rule group limit (limit: {MOST_RULES} actual: {len(group['rules'])}) exceeded"
        count = sum(len(groups) for groups in namespaces.values()) + 1
        if count > MOST_GROUPS:
            return f"per-user rule groups limit (limit: {MOST_GROUPS} actual: {count}) exceeded"
        return _judged(self.promtool, yaml.safe_dump({"groups": [group]}))

    def _delete(self, namespaces: dict[str, dict[str, Tree]], namespace: str, group: str) -> web.Response:
        if group not in namespaces.get(namespace, {}):
            return web.Response(status=404, text="group does not exist\n")
        del namespaces[namespace][group]
        if not namespaces[namespace]:
            del namespaces[namespace]
        return web.Response(status=202, text=json.dumps({"status": "success", "data": None}))


def _evaluated(file: str, group: Tree) -> Tree:
    rules = [
        {
            "type": "alerting" if "alert" in rule else "recording",
            "name": rule.get("alert") or rule["record"],
            "query": rule["expr"],
            "duration": _seconds(rule.get("for")),
            "labels": rule.get("labels"),
            "annotations": rule.get("annotations"),
            "health": "unknown",
        }
        for rule in group["rules"]
    ]
    return {"name": group["name"], "file": file, "interval": _seconds(group.get("interval", "1m")), "rules": rules}


def _seconds(text: str | None) -> float:
    return duration.parse(text).total_seconds() if text else 0.0


@cache
def _judged(promtool: Path, text: str) -> str:
    """What promtool has against a rule file; nothing if it is a good one."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        checked = subprocess.run([promtool, "check", "rules", file.name], capture_output=True, text=True, check=False)
    return checked.stdout + checked.stderr if checked.returncode else ""


def _kept(group: Tree) -> Tree:
    """As the ruler stores it: durations in Go's spelling, what is empty left out."""
    kept = {key: value for key, value in group.items() if value not in ({}, "", 0)}
    if "interval" in kept:
        kept["interval"] = {"60s": "1m", "120s": "2m"}.get(kept["interval"], kept["interval"])
    return kept


@contextmanager
def serving(ruler: Ruler) -> Iterator[Ruler]:
    """The ruler on loopback, in a thread of its own: commands bring their own event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        async def routed(request: web.Request) -> web.StreamResponse:
            raw = request.rel_url.raw_path
            if raw == "/prometheus/api/v1/rules":
                return ruler.running(request.headers["X-Scope-OrgID"])
            if not raw.startswith(ruler.mount):
                return web.Response(status=404, text="404 page not found\n")
            rest = raw.removeprefix(ruler.mount).split("/")
            request.match_info["rest"] = "\0".join(map(unquote, rest))
            return await ruler.answer(request)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", routed)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    ruler.url = f"http://127.0.0.1:{port}"

    async def stop() -> None:
        ruler.stopping.set()
        await runner.cleanup()

    try:
        yield ruler
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
