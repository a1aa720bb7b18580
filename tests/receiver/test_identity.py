"""Who an alert is and what a sighting of it means (DESIGN.md §5): one table, played through a whole receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.harness import escalation, receiver

CONFIG = escalation(("0s", ("alice",)))
LATE = 6 * 60  # seconds after an end in which a firing from before it is believed to have been overtaken


@dataclass(frozen=True)
class At:
    """A body at so many seconds after the start; with `source`, from another sender."""

    seconds: float
    content: bytes
    source: str = ""


@dataclass(frozen=True)
class Case:
    """What comes in, and what must be there in the end: alerts and incidents, oldest first, and what alice heard."""

    fact: str
    bodies: Sequence[At]
    alerts: Sequence[tuple[str, int, int | None]]  # status, start, end: seconds after START
    incidents: Sequence[tuple[str, int]]  # status, alerts
    heard: Sequence[str]


def expired(name: str = "PlayerErrors", *, end: float) -> dict[str, Any]:
    return alert(name, end=end) | {"status": "expired"}


PAGE, CLEAR, AGAIN, CLEAR_AGAIN = "page/0/alice", "resolved/alice", "page/0/alice/1", "resolved/alice/1"

CASES = [
    Case(
        "a repeat changes nothing",
        [At(0, body(alert())), At(300, body(alert())), At(600, body(alert()))],
        [("firing", 0, None)], [("open", 1)], [PAGE],
    ),
    Case(
        "a re-fire after the end is another occurrence",
        [At(0, body(alert())), At(60, body(alert(end=60))), At(7200, body(alert(start=7190)))],
        [("resolved", 0, 60), ("firing", 7190, None)], [("resolved", 1), ("open", 1)], [PAGE, CLEAR, PAGE],
    ),
    Case(
        "a re-fire within reopen_within is another occurrence in the same incident",
        [At(0, body(alert())), At(60, body(alert(end=60))), At(120, body(alert(start=110)))],
        [("resolved", 0, 60), ("firing", 110, None)], [("open", 2)], [PAGE, CLEAR, AGAIN],
    ),
    Case(
        "a part of a group resolves",
        [
            At(0, body(alert(n="a"), alert(n="b"))),
            At(60, body(alert(n="a", end=60), alert(n="b"))),
            At(90, body(alert(n="b", end=90))),
        ],
        [("resolved", 0, 60), ("resolved", 0, 90)], [("resolved", 2)], [PAGE, CLEAR],
    ),
    Case(
        "a resolve without a firing is an occurrence, opened and closed at once, and tells nobody",
        [At(60, body(alert(end=60))), At(70, body(alert(end=60)))],
        [("resolved", 0, 60)], [], [],
    ),
    Case(
        "a resolve before its firing: the firing is late",
        [At(60, body(alert(end=60))), At(61, body(alert()))],
        [("resolved", 0, 60)], [], [],
    ),
    Case(
        "split brain: one peer ends it, the other still repeats what it saw before",
        [At(0, body(alert())), At(60, body(alert(end=60))), At(75, body(alert())), At(90, body(alert(end=60)))],
        [("resolved", 0, 60)], [("resolved", 1)], [PAGE, CLEAR],
    ),
    Case(
        "two peers that saw it end at different times tell of one end",
        [At(0, body(alert())), At(60, body(alert(end=60))), At(75, body(alert(end=70)))],
        [("resolved", 0, 60)], [("resolved", 1)], [PAGE, CLEAR],
    ),
    Case(
        "what is still told as firing long after its end does fire, from that end on",
        [At(0, body(alert())), At(60, body(alert(end=60))), At(60 + LATE, body(alert())), At(61 + LATE, body(alert()))],
        [("resolved", 0, 60), ("firing", 60, None)], [("open", 2)], [PAGE, CLEAR, AGAIN],
    ),
    Case(
        "the old end, told again, does not end what fires anew",
        [
            At(0, body(alert())),
            At(60, body(alert(end=60))),
            At(120, body(alert(start=110))),
            At(121, body(alert())),  # another Prometheus that never saw it end
            At(122, body(alert(end=60))),
        ],
        [("resolved", 0, 60), ("firing", 60, None)], [("open", 2)], [PAGE, CLEAR, AGAIN],
    ),
    Case(
        "three peers within milliseconds, and one 15 s later",
        [At(0, body(alert(), externalURL=f"http://am-{n}")) for n in range(3)] + [At(15, body(alert()))],
        [("firing", 0, None)], [("open", 1)], [PAGE],
    ),
    Case(
        "a second Prometheus moves the start back, never forward",
        [At(25, body(alert(start=25))), At(26, body(alert())), At(27, body(alert(start=25)))],
        [("firing", 0, None)], [("open", 1)], [PAGE],
    ),
    Case(
        "a renamed route: the alert stays the same occurrence in the same incident",
        [
            At(0, body(alert(), group="old")),
            At(60, body(alert(), group="new")),
            At(90, body(alert(end=90), group="new")),
        ],
        [("resolved", 0, 90)], [("resolved", 1)], [PAGE, CLEAR],
    ),
    Case(
        "a renamed route: an alert that fires again while its incident is open stays in it",
        [
            At(0, body(alert(n="a"), alert(n="b"), group="old")),
            At(60, body(alert(n="a", end=60), group="old")),
            At(90, body(alert(n="a", start=80), group="new")),
        ],
        [("resolved", 0, 60), ("firing", 0, None), ("firing", 80, None)], [("open", 3)], [PAGE],
    ),
    Case(
        "a renamed route: a re-fire reopens the incident under its old group",
        [
            At(0, body(alert(), group="old")),
            At(60, body(alert(end=60), group="old")),
            At(90, body(alert(start=80), group="new")),
        ],
        [("resolved", 0, 60), ("firing", 80, None)], [("open", 2)], [PAGE, CLEAR, AGAIN],
    ),
    Case(
        "a renamed route and back: an open incident of the group is not doubled",
        [
            At(0, body(alert(n="a"), group="old")),
            At(60, body(alert(n="a", end=60), group="old")),
            At(70, body(alert(n="b", start=65), group="old")),
            At(90, body(alert(n="a", start=80), group="new")),
        ],
        [("resolved", 0, 60), ("firing", 65, None), ("firing", 80, None)],
        [("resolved", 1), ("open", 1), ("open", 1)], [PAGE, CLEAR, PAGE, PAGE],
    ),
    Case(
        "what a truncated body leaves out has not resolved",
        [At(0, body(alert(n="a"), alert(n="b"))), At(60, body(alert(n="a"), truncatedAlerts=1))],
        [("firing", 0, None), ("firing", 0, None)], [("open", 2)], [PAGE],
    ),
    Case(
        "a restarted Alertmanager repeats its first notification",
        [At(0, body(alert())), At(600, body(alert(), notification_reason="first_notification"))],
        [("firing", 0, None)], [("open", 1)], [PAGE],
    ),
    Case(
        "the same labels from another source are another alert",
        [At(0, body(alert())), At(1, body(alert()), "berlin")],
        [("firing", 0, None), ("firing", 0, None)], [("open", 1), ("open", 1)], [PAGE, PAGE],
    ),
    Case(
        "an expired alert ends, and its incident with it",
        [At(0, body(alert())), At(900, body(expired(end=900)))],
        [("expired", 0, 900)], [("resolved", 1)], [PAGE, CLEAR],
    ),
    Case(
        "expired alerts that nobody knows, or that have ended, are nothing",
        [At(60, body(expired(end=60))), At(70, body(alert("B", end=70))), At(90, body(expired("B", end=90)))],
        [("resolved", 0, 70)], [], [],
    ),
    Case(
        "what is said to have expired was asked of the occurrence before",
        [
            At(0, body(alert())),
            At(60, body(alert(end=60))),
            At(100, body(alert(start=90))),
            At(101, body(expired(end=101))),
        ],
        [("resolved", 0, 60), ("firing", 90, None)], [("open", 2)], [PAGE, CLEAR, AGAIN],
    ),
    Case(
        "what expired and is told as firing fires: nobody had said that it ended",
        [At(0, body(alert())), At(900, body(expired(end=900))), At(960, body(alert())), At(999, body(alert(end=990)))],
        [("expired", 0, 900), ("resolved", 900, 990)], [("resolved", 2)], [PAGE, CLEAR, AGAIN, CLEAR_AGAIN],
    ),
    Case(
        "the resolve of what had expired sets its end right and tells nobody",
        [At(0, body(alert())), At(900, body(expired(end=900))), At(960, body(alert(end=300)))],
        [("resolved", 0, 300)], [("resolved", 1)], [PAGE, CLEAR],
    ),
    Case(
        "what one body tells as firing, expired and firing again is two occurrences, and both are kept",
        [At(60, body(alert(), expired(end=60), alert()))],
        [("expired", 0, 60), ("firing", 60, None)], [("open", 2)], [AGAIN],
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fact)
async def test_meaning(tmp_path: Path, case: Case) -> None:
    """What comes in, in this order and at these times, is understood as the fact says."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        begun = tocsin.clock.now()
        for one in case.bodies:
            tocsin.clock.advance(seconds=one.seconds - (tocsin.clock.now() - begun).total_seconds())
            assert await tocsin.post(one.content, source=one.source) == 200
        alerts, incidents = await tocsin.alerts(), await tocsin.incidents()
        found = sorted(((a["status"], _seconds(a["starts_at"]), _seconds(a["ends_at"])) for a in alerts), key=_by_time)
        assert found == sorted(case.alerts, key=_by_time)
        assert [(i["status"], i["alerts"]) for i in reversed(incidents)] == list(case.incidents)
        assert tocsin.phones["alice"].keys == list(case.heard)
        for incident in incidents:
            firing = [a for a in alerts if a["incident"] == incident["id"] and a["status"] == "firing"]
            assert incident["firing"] == len(firing)


def _by_time(one: tuple[str, int, int | None]) -> tuple[int, int]:
    return one[1], -1 if one[2] is None else one[2]


def _seconds(time: Any) -> Any:
    """Seconds after START, which is at three o'clock."""
    if time is None:
        return None
    hours, minutes, seconds = time[11:19].split(":")
    return (int(hours) - 3) * 3600 + int(minutes) * 60 + int(seconds)
