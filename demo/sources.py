"""Where each step of the story is looked for: at the server or sink whose business it is, never at a neighbour's.

Each look says in words what it saw, or raises NotSeen with what is there instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from demo.processes import TOCSIN, CommandFailed, run
from demo.sinks import Arrival, all_clears, pages
from demo.stack import Stack
from demo.timeline import NotSeen

OWN = 'owner="demo"'  # the rules of demo/rulepack; the packs that ship have other owners


class Sources:
    """Looks at a running stack: at the one incident that there is, or that says in its title what it is `about`."""

    def __init__(self, stack: Stack, about: str = "") -> None:
        self._stack = stack
        self._about = about

    async def targets_up(self) -> str:
        """Prometheus scrapes everything that it should, and got an answer each time."""
        targets = (await self._get("prometheus", "/api/v1/targets?state=active"))["data"]["activeTargets"]
        jobs = sorted({target["labels"]["job"] for target in targets if target["health"] == "up"})
        down = [target["scrapeUrl"] for target in targets if target["health"] != "up" and self._runs(target)]
        if down or not jobs:
            raise NotSeen(f"{len(down)} targets are not up yet: {', '.join(down)}")
        return f"{len(targets)} targets of the jobs {', '.join(jobs)}"

    async def alertmanager_known(self) -> str:
        """Prometheus has found its Alertmanager."""
        found = (await self._get("prometheus", "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
        if not found:
            raise NotSeen("no Alertmanager yet")
        return str(found[0]["url"])

    async def value(self, expr: str, unit: str = "") -> str:
        """A query has a value now."""
        value = await self._value(expr)
        if value is None:
            raise NotSeen(f"{expr} has no value")
        return f"{value:.3g}{unit}"

    async def score(self, selector: str, *, above_1: bool) -> str:
        """The anomaly score that Prometheus has scraped is above 1, or it is not."""
        value = await self._value(f"tocsin_anomaly_score{{{selector}}}")
        if value is None:
            raise NotSeen("no score yet")
        if (value > 1) != above_1:
            raise NotSeen(f"the score is {value:.2f}")
        return f"score {value:.2f}, {'unusual' if above_1 else 'as ever'}"

    async def rule(self, alert: str, *states: str) -> str:
        """A rule is in one of the states: inactive, pending or firing."""
        groups = (await self._get("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
        found = [rule["state"] for group in groups for rule in group["rules"] if rule["name"] == alert]
        if len(found) != 1 or found[0] not in states:
            raise NotSeen(f"{alert} is {' and '.join(found) or 'not loaded'}")
        return f"{alert} is {found[0]}"

    async def alert(self, alert: str) -> str:
        """Alertmanager has the alert, and no other of the shop's own rules (the packs' Watchdog is always there)."""
        alerts = await self._get("alertmanager", f"/api/v2/alerts?active=true&filter={quote(OWN)}")
        if [one["labels"]["alertname"] for one in alerts] != [alert]:
            raise NotSeen(f"{len(alerts)} alerts")
        return f"{alerts[0]['labels']['alertname']}, {alerts[0]['labels']['severity']}, {alerts[0]['status']['state']}"

    async def incident(self, status: str) -> str:
        """There is one incident, and it has a status: open, acknowledged or resolved."""
        incident = await self.the_incident()
        if incident["status"] != status:
            raise NotSeen(f"incident {incident['id']} is {incident['status']}")
        return f"{incident['id']} is {status}: {incident['title']}"

    async def the_incident(self) -> dict[str, Any]:
        """The one incident, with its timeline."""
        listed = (await self._get("receiver", "/api/v1/incidents"))["items"]
        items = [item for item in listed if self._about in item["title"]]
        if len(items) != 1:
            raise NotSeen(f"{len(items)} incidents{f' about the {self._about}' if self._about else ''}")
        incident: dict[str, Any] = await self._get("receiver", f"/api/v1/incidents/{items[0]['id']}")
        return incident

    async def arrivals(self, sink: str) -> list[Arrival]:
        """What has arrived at a sink, oldest first."""
        arrivals = msgspec.convert(await self._get("sinks", "/messages"), list[Arrival], strict=False)
        incident = (await self.the_incident())["id"] if self._about else ""
        return [one for one in arrivals if one.sink == sink and incident in ("", one.incident)]

    async def page(self, sink: str, says: Mapping[str, str]) -> str:
        """One page arrived, and its text tells what a person needs: each fact, and a text that stands for it."""
        page = _one(sink, pages(await self.arrivals(sink)), "pages")
        missing = [what for what, text in says.items() if text not in page.text]
        if missing:
            raise NotSeen(f"the page's text lacks {', '.join(missing)}")
        return page.subject

    async def all_clear(self, sink: str) -> str:
        """One message arrived that says it is over."""
        return _one(sink, all_clears(await self.arrivals(sink)), "messages that it is over").subject

    async def acknowledge(self) -> str:
        """Says `tocsin incidents ack`, as a person would."""
        incident = (await self.the_incident())["id"]
        try:
            return await run(
                TOCSIN, "incidents", "ack", incident, "--by", "alice", "--url", self._stack.urls["receiver"]
            )
        except CommandFailed as error:
            raise NotSeen(str(error)) from error

    async def escalation_stopped(self) -> str:
        """The second step has told nobody, and nobody has heard twice."""
        taken = [event["step"] + 1 for event in (await self.the_incident())["timeline"] if event["kind"] == "escalated"]
        if taken != [1]:
            raise NotSeen(f"escalation took the steps {taken}")
        await self._silent("second")
        for sink in ("mail", "hook"):
            _one(sink, await self.arrivals(sink), "messages")
        return "only step 1 was taken, the second channel is silent"

    async def heard_once(self) -> str:
        """Each channel that was paged has heard of the beginning once and of the end once."""
        for sink in ("mail", "hook"):
            arrivals = await self.arrivals(sink)
            _one(sink, pages(arrivals), "pages")
            _one(sink, all_clears(arrivals), "messages that it is over")
        await self._silent("second")
        return "mail and hook: one page, one all-clear; second: nothing"

    async def _silent(self, sink: str) -> None:
        arrivals = await self.arrivals(sink)
        if arrivals:
            raise NotSeen(f"{sink} was told: {arrivals[0].subject}")

    def _runs(self, target: Mapping[str, Any]) -> bool:
        return any(target["scrapeUrl"].startswith(url) for url in self._stack.urls.values())

    async def _value(self, expr: str) -> float | None:
        found = await self._get("prometheus", f"/api/v1/query?query={quote(expr)}")
        result = found["data"]["result"]
        return float(result[0]["value"][1]) if len(result) == 1 else None

    async def _get(self, server: str, path: str) -> Any:
        try:
            async with self._stack.http.get(self._stack.urls[server] + path) as response:
                response.raise_for_status()
                return await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotSeen(f"{server} does not answer: {type(error).__name__} {error}") from error


def _one(sink: str, arrivals: Sequence[Arrival], what: str) -> Arrival:
    if len(arrivals) != 1:
        raise NotSeen(f"{sink}: {len(arrivals) or 'no'} {what}")
    return arrivals[0]
