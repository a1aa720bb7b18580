"""The switch over HTTP: all remediation of every tenant is stopped, or goes on."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from receiver.store.runs import Runs, Stop
from receiver.web import run_answers as answers
from receiver.web.access import asking
from receiver.web.bodies import By, Line
from receiver.web.declared import operation
from receiver.web.runbooks import TAG
from receiver.web.shapes import time_json
from tocsin.clock import Clock

PATH = "/api/v1/remediation"


class StopAll(By):
    """Why, and who says so."""

    reason: Line = Field(min_length=1, pattern=r"\S", examples=["the cluster is being moved"])


class SwitchApi:
    """`/api/v1/remediation`. The switch lies in the store, so that it holds for workers of their own, too."""

    def __init__(self, runs: Runs, clock: Clock) -> None:
        self._runs = runs
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.show),
            web.post(f"{PATH}/stop", self.stop),
            web.post(f"{PATH}/start", self.start),
        ]

    @operation("Say whether remediation is stopped", "incidents:read", {200: answers.SwitchJson}, tag=TAG)
    async def show(self, request: web.Request) -> web.Response:
        """With who stopped it, since when and why, and the stops before."""
        return web.json_response(await self._switch())

    @operation(
        "Stop all remediation",
        "remediation:run",
        {200: answers.SwitchedJson},
        takes=StopAll,
        tag=TAG,
        every_tenant=True,
    )
    async def stop(self, request: web.Request, said: StopAll) -> web.Response:
        """No run and no step begins any more, of any tenant; a step that has begun goes on to its end."""
        changed = await self._runs.stop(asking(request, said.by).name, said.reason, self._clock.now())
        return await self._switched(changed=changed)

    @operation(
        "Let remediation go on",
        "remediation:approve",
        {200: answers.SwitchedJson},
        takes=By,
        tag=TAG,
        every_tenant=True,
    )
    async def start(self, request: web.Request, said: By) -> web.Response:
        """Runs may begin again; those that ended meanwhile stay as they are."""
        changed = await self._runs.start(asking(request, said.by).name, self._clock.now())
        return await self._switched(changed=changed)

    async def _switched(self, *, changed: bool) -> web.Response:
        told: answers.SwitchedJson = {**await self._switch(), "changed": changed}
        return web.json_response(told)

    async def _switch(self) -> answers.SwitchJson:
        stops = await self._runs.stops()
        now = stops[0] if stops and stops[0].started_at is None else None
        return {
            "stopped": now is not None,
            "by": now.by if now else None,
            "reason": now.reason if now else None,
            "since": time_json(now.at) if now else None,
            "stops": [_stop_json(one) for one in stops],
        }


def _stop_json(stop: Stop) -> answers.StopJson:
    return {
        "at": time_json(stop.at),
        "by": stop.by,
        "reason": stop.reason,
        "started_at": time_json(stop.started_at),
        "started_by": stop.started_by,
    }
