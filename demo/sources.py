"""Where each step of the story is looked for: at the server or sink whose business it is, never at a neighbour's.

Each look says in words what it saw, or raises NotSeen with what is there instead.
"""

from __future__ import annotations

from typing import Any

import aiohttp

from demo.processes import TOCSIN, CommandFailed, run
from demo.sinks import Arrival, Sink
from demo.stack import Stack
from demo.timeline import NotSeen

ALERT = "ShopErrorRatioHigh"

# What a page must tell a tired person, and a text that stands for it.
PAGE_SAYS = {
    "what is wrong": "The shop fails ",
    "what it means": "Customers cannot pay",
    "since when": "since 20",
    "the runbook": "https://shop.example/runbooks/error-ratio",
    "how to acknowledge": "tocsin incidents ack ",
}


class Sources:
    """Looks at a running stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    async def scrapes(self) -> str:
        """Prometheus has scraped the shop and counts its customers."""
        found = await self._get("prometheus", '/api/v1/query?query=sum(http_requests_total{job="shop"}) > 0')
        if not found["data"]["result"]:
            raise NotSeen("no requests counted yet")
        return f"{found['data']['result'][0]['value'][1]} requests counted"

    async def alertmanager_known(self) -> str:
        """Prometheus has found its Alertmanager."""
        found = (await self._get("prometheus", "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
        if not found:
            raise NotSeen("no Alertmanager yet")
        return str(found[0]["url"])

    async def rule(self, state: str) -> str:
        """The rule is in a state: inactive, pending or firing."""
        groups = (await self._get("prometheus", "/api/v1/rules?type=alert"))["data"]["groups"]
        states = [rule["state"] for group in groups for rule in group["rules"] if rule["name"] == ALERT]
        if states != [state]:
            raise NotSeen(f"{ALERT} is {' and '.join(states) or 'not loaded'}")
        return f"{ALERT} is {state}"

    async def alert(self) -> str:
        """Alertmanager has the alert, and has given it to Tocsin."""
        alerts = await self._get("alertmanager", "/api/v2/alerts?active=true")
        if [alert["labels"]["alertname"] for alert in alerts] != [ALERT]:
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
        items = (await self._get("receiver", "/api/v1/incidents"))["items"]
        if len(items) != 1:
            raise NotSeen(f"{len(items)} incidents")
        incident: dict[str, Any] = await self._get("receiver", f"/api/v1/incidents/{items[0]['id']}")
        return incident

    async def page(self, sink: Sink) -> str:
        """One page arrived, and its text tells what a person needs."""
        page = _one(sink, sink.pages(), "pages")
        missing = [what for what, text in PAGE_SAYS.items() if text not in page.text]
        if missing:
            raise NotSeen(f"the page's text lacks {', '.join(missing)}")
        return page.subject

    async def all_clear(self, sink: Sink) -> str:
        """One message arrived that says it is over."""
        return _one(sink, sink.all_clears(), "messages that it is over").subject

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
        if self._stack.second.arrivals:
            raise NotSeen(f"the second channel was told: {self._stack.second.arrivals[0].subject}")
        for sink in (self._stack.mail, self._stack.hook):
            _one(sink, sink.arrivals, "messages")
        return "only step 1 was taken, the second channel is silent"

    async def heard_once(self) -> str:
        """Each channel that was paged has heard of the beginning once and of the end once."""
        for sink in (self._stack.mail, self._stack.hook):
            _one(sink, sink.pages(), "pages")
            _one(sink, sink.all_clears(), "messages that it is over")
        if self._stack.second.arrivals:
            raise NotSeen(f"the second channel was told: {self._stack.second.arrivals[0].subject}")
        return "mail and hook: one page, one all-clear; second: nothing"

    async def _get(self, server: str, path: str) -> Any:
        try:
            async with self._stack.http.get(self._stack.urls[server] + path) as response:
                response.raise_for_status()
                return await response.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotSeen(f"{server} does not answer: {type(error).__name__} {error}") from error


def _one(sink: Sink, arrivals: list[Arrival], what: str) -> Arrival:
    if len(arrivals) != 1:
        raise NotSeen(f"{sink.name}: {len(arrivals) or 'no'} {what}")
    return arrivals[0]
