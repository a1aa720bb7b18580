"""GitHub and GitLab as far as the recipes comment there: comments of a pull request, notes of a merge request.

Sources: GitHub REST API, issue comments; GitLab API, notes of a merge request. Both give 100 at most on a page.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "token-of-the-bot"
PAGE = 100


@dataclass
class CodeHost:
    """The comments in the order in which they were made, and what was asked."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def said(self, body: str, *, bot: bool) -> dict[str, Any]:
        """Somebody comments; on GitLab what is no bot's here is the system's."""
        made = {"id": next(self.numbers), "body": body, "system": not bot, "user": {"type": "Bot" if bot else "User"}}
        self.comments.append(made)
        return made

    @property
    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments if one["user"]["type"] == "Bot"]

    async def serve(self, request: web.Request) -> web.Response:
        """A request of either kind."""
        self.asked.append((request.method, request.path))
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("PRIVATE-TOKEN")
        if shown != TOKEN:
            return web.json_response({"message": "401 Unauthorized"}, status=401)
        if request.method == "GET":
            page = int(request.query["page"])
            assert request.query["per_page"] == str(PAGE)
            return web.json_response(self.comments[(page - 1) * PAGE : page * PAGE])
        body = (await request.json())["body"]
        if request.method == "POST":
            return web.json_response(self.said(body, bot=True), status=201)
        [found] = [one for one in self.comments if str(one["id"]) == request.match_info["id"]]
        found["body"] = body
        return web.json_response(found)


@asynccontextmanager
async def running(host: CodeHost) -> AsyncIterator[str]:
    """Its address."""
    app = web.Application()
    issues, notes = "/repos/shop/rules/issues", "/projects/7/merge_requests/12/notes"
    app.router.add_get(f"{issues}/12/comments", host.serve)
    app.router.add_post(f"{issues}/12/comments", host.serve)
    app.router.add_patch(issues + "/comments/{id}", host.serve)
    app.router.add_get(notes, host.serve)
    app.router.add_post(notes, host.serve)
    app.router.add_put(notes + "/{id}", host.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
