"""`python -m demo.shop`: the shop's metrics, one page a target, and its faults.

GET  /metrics/{page}                 what Prometheus scrapes
GET  /faults                         what can break, and what is wrong since when
POST /faults/{name}[?since=UNIX]     something breaks, or has been broken since then
DELETE /faults/{name}                it is mended
GET  /admin                          restarts of each service, and which have a standby in front of them
POST /admin/{service}/restart        what runbooks may do to it
PUT  /admin/{service}/standby, DELETE …
GET  /-/ready
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from pathlib import Path

import numpy as np
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from demo.serving import serving
from demo.shop.faults import COURSES
from demo.shop.live import Shop
from demo.shop.targets import TARGETS
from tocsin.serving import stop_asked

PAGES = {target.page: target for target in TARGETS}
NAMES = {target.service for target in TARGETS if target.service}
LONGEST_SINCE_SECONDS = 14 * 86_400.0


class Pages:
    """The shop over HTTP."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/-/ready", self.ready),
            web.get("/metrics/{page}", self.metrics),
            web.get("/faults", self.faults),
            web.post("/faults/{name}", self.begin),
            web.delete("/faults/{name}", self.end),
            web.get("/admin", self.admin),
            web.post("/admin/{service}/restart", self.restart),
            web.put("/admin/{service}/standby", self.standby),
            web.delete("/admin/{service}/standby", self.standby),
        ]

    async def ready(self, request: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    async def metrics(self, request: web.Request) -> web.Response:
        target = PAGES.get(request.match_info["page"])
        if target is None:
            raise web.HTTPNotFound(text=f"there is no such target; these are: {', '.join(PAGES)}\n")
        return web.Response(body=self._shop.exposition(target).encode(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def faults(self, request: web.Request) -> web.Response:
        known = {name: course.doc for name, course in COURSES.items()}
        return web.json_response({"known": known, "since": self._shop.faults})

    async def begin(self, request: web.Request) -> web.Response:
        self._shop.begin(_fault(request), _since(request, self._shop.now()))
        return web.json_response({"faults": sorted(self._shop.faults)})

    async def end(self, request: web.Request) -> web.Response:
        self._shop.end(_fault(request))
        return web.json_response({"faults": sorted(self._shop.faults)})

    async def admin(self, request: web.Request) -> web.Response:
        return self._state()

    async def restart(self, request: web.Request) -> web.Response:
        self._shop.restart(_service(request))
        return self._state()

    async def standby(self, request: web.Request) -> web.Response:
        change = self._shop.standby.add if request.method == "PUT" else self._shop.standby.discard
        change(_service(request))
        return self._state()

    def _state(self) -> web.Response:
        return web.json_response({"restarts": self._shop.restarts, "standby": sorted(self._shop.standby)})


def _service(request: web.Request) -> str:
    name = request.match_info["service"]
    if name not in NAMES:
        raise web.HTTPNotFound(text=f"there is no such service; these are: {', '.join(sorted(NAMES))}\n")
    return name


def _fault(request: web.Request) -> str:
    name = request.match_info["name"]
    if name not in COURSES:
        raise web.HTTPNotFound(text=f"there is no such fault; these are: {', '.join(COURSES)}\n")
    return name


def _since(request: web.Request, now: float) -> float | None:
    text = request.query.get("since")
    if text is None:
        return None
    try:
        since = float(text)
    except ValueError:
        since = math.nan
    if not now - LONGEST_SINCE_SECONDS <= since <= now:
        raise web.HTTPBadRequest(text="since: a Unix time of the last two weeks\n")
    return since


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.shop", description="A small audio-streaming shop, made up.")
    parser.add_argument("--web.listen-address", dest="listen", default="127.0.0.1:8000", metavar="HOST:PORT")
    parser.add_argument("--past", type=Path, metavar="FILE", help="totals to go on from, if the file exists")
    arguments = parser.parse_args()
    shop = Shop(time.time, np.random.default_rng())
    if arguments.past and arguments.past.exists():
        shop.go_on(arguments.past)
    asyncio.run(_run(shop, arguments.listen))


async def _run(shop: Shop, address: str) -> None:
    stopping = stop_asked()
    application = web.Application()
    application.add_routes(Pages(shop).routes())
    async with serving(application, address):
        await stopping.wait()


if __name__ == "__main__":
    main()
