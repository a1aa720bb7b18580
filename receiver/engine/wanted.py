"""Whether a message is still wanted when its turn comes."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.plan import Message
from receiver.engine.run import RunState


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is still wanted when its turn comes, and why."""

    send: bool
    reason: str


def still_wanted(incident: Incident, where: str, message: Message, round_: int = 0, about: str = "") -> Verdict:
    """A page that waited in a queue is not sent once somebody has it; nobody hears of an end who knew no beginning.

    `where` is an address, `round_` and `about` are of the message's `Send`.
    """
    if message == "update":
        return Verdict(
            where in incident.told, "follows it" if where in incident.told else "was never told that it began"
        )
    if message in ("approval", "remediation"):
        return _about_runs(incident, message, about)
    if round_ != incident.round:
        again = "reopened" if incident.reopened else "begun anew"
        return Verdict(False, f"the incident has been {again} since")
    if message == "resolved":
        if where in incident.told:
            return Verdict(True, "was paged, hears of the end")
        return Verdict(False, "was never told that it began")
    if incident.status is IncidentStatus.RESOLVED:
        return Verdict(False, f"resolved before the {_NOUNS[message]} could be sent")
    if message in ("reopened", "handover", "sla"):
        return Verdict(True, _WHY[message])
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        return Verdict(False, f"{incident.acknowledged_by} acknowledged before the page could be sent")
    return Verdict(True, "nobody has acknowledged yet")


def _about_runs(incident: Incident, message: Message, about: str) -> Verdict:
    """A request is void once it is decided; what a runbook did is told for as long as it matters."""
    if message == "approval":
        run = incident.run(about)
        waits = run is not None and run.state is RunState.AWAITING
        return Verdict(waits, "a runbook waits for approval" if waits else "the runbook no longer waits for approval")
    over = incident.status is IncidentStatus.RESOLVED
    return Verdict(not over, "the incident is over" if over else "hears what a runbook has done")


_NOUNS = {
    "page": "page",
    "reopened": "news that it is back",
    "handover": "hand-over",
    "sla": "word about its SLA",
}
_WHY = {
    "reopened": "heard of the end, hears that it is back",
    "handover": "comes on duty",
    "sla": "was asked, hears that time runs out",
}
