"""Where each step of a repair is looked for: the run at the receiver, what was done at the shop itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.processes import TOCSIN, CommandFailed, run
from demo.sinks import Arrival
from demo.sources import Sources
from demo.timeline import NotSeen


class Repairs(Sources):
    """Looks at the one run of a runbook that an incident has."""

    async def the_run(self) -> dict[str, Any]:
        runs = (await self.the_incident())["runs"]
        if len(runs) != 1:
            raise NotSeen(f"{len(runs) or 'no'} runs")
        found: dict[str, Any] = runs[0]
        return found

    async def run_is(self, state: str, outcome: str | None = None) -> str:
        """The run is in a state or, over, has an outcome."""
        one = await self.the_run()
        if (one["state"], one["outcome"]) != (state, outcome):
            raise NotSeen(f"the run is {one['outcome'] or one['state']}: {one['reason']}")
        return f"{one['runbook']} on {one['target']}: {outcome or state}{', ' if outcome else ''}{one['reason']}"

    async def asked(self, sink: str, says: Mapping[str, str]) -> str:
        """One message arrived that asks for an approval, and its text says what must be known to give it."""
        asking = [arrival for arrival in await self.arrivals(sink) if arrival.kind == "approval"]
        if len(asking) != 1:
            raise NotSeen(f"{sink}: {len(asking) or 'no'} requests for approval")
        _says(asking[0], says)
        return asking[0].subject

    async def approve(self, by: str) -> str:
        """Says `tocsin runbooks approvals approve`, as whoever was asked would: to the plan that waits."""
        waits = (await self._get("receiver", "/api/v1/approvals"))["items"]
        if len(waits) != 1:
            raise NotSeen(f"{len(waits) or 'no'} runs wait for approval")
        words = "approve", waits[0]["id"], "--plan", waits[0]["plan"]["plan_hash"], "--by", by, "--yes"
        try:
            said = await run(TOCSIN, "runbooks", "approvals", *words, "--url", self._stack.urls["receiver"])
        except CommandFailed as error:
            raise NotSeen(str(error)) from error
        return said.splitlines()[-1]

    async def restarted(self, service: str, times: int) -> str:
        """The shop says how often a service was restarted."""
        restarts = (await self._get("shop", "/admin"))["restarts"].get(service, 0)
        if restarts != times:
            raise NotSeen(f"{service} was restarted {restarts} times")
        return f"{service} was restarted {'once' if times == 1 else f'{times} times'}"

    async def standby(self, service: str, *, there: bool) -> str:
        """The shop says whether a standby stands in front of a service."""
        services = (await self._get("shop", "/admin"))["standby"]
        if (service in services) != there:
            raise NotSeen(f"in front of {service} there is {'a' if service in services else 'no'} standby")
        return f"{'a' if there else 'no'} standby in front of {service}"

    async def did(self, *wanted: str) -> str:
        """What happened to the run, in this order."""
        kinds = [event["kind"] for event in (await self.the_incident())["timeline"]]
        found = [kind.removeprefix("run_") for kind in kinds if kind.startswith("run_")]
        if found != list(wanted):
            raise NotSeen(f"the timeline has {', '.join(found)}")
        return ", ".join(found).replace("_", " ")

    async def unheard(self, sink: str) -> str:
        """Nothing about the incident has arrived at a sink."""
        await self._silent(sink)
        return f"{sink}: nothing"

    async def told(self, sink: str, says: Mapping[str, str]) -> str:
        """The newest message of a sink says something."""
        arrivals = await self.arrivals(sink)
        if not arrivals:
            raise NotSeen(f"{sink}: nothing")
        _says(arrivals[-1], says)
        return arrivals[-1].subject


def _says(arrival: Arrival, says: Mapping[str, str]) -> None:
    missing = [what for what, text in says.items() if text not in arrival.text]
    if missing:
        raise NotSeen(f"the text of {arrival.subject!r} lacks {', '.join(missing)}")
