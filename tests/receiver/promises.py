"""What must hold of a receiver's store, read by its API and, for versions and folds, from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from receiver.engine.events import AnyEvent
from receiver.engine.incident import fold
from receiver.store.database import Database
from receiver.store.ledger import Ledger, event_of, incident_of
from receiver.store.schema import events, incidents
from tests.receiver.bodies import START
from tests.receiver.harness import Harness
from tests.receiver.model import Seen

Json = dict[str, Any]
OVER = ("alerts_resolved", "alerts_expired")


def seen(alert: Json) -> Seen:
    """An alert of the API as the model tells of it."""
    labels, end = alert["labels"], alert["ends_at"]
    name = labels.get("n") or labels["source"]  # ours, about a body that nobody understood, names who sent it
    times = (_seconds(alert["starts_at"]), -1 if end is None else _seconds(end))
    return alert["source"], labels["alertname"], name, alert["status"], *times, alert["incident"] is not None


def _seconds(time: str) -> int:
    return int((datetime.fromisoformat(time) - START).total_seconds())


async def every(tocsin: Harness, what: str) -> list[Json]:
    answer = await tocsin.get(f"/api/v1/{what}?limit=1000")
    assert answer["next"] is None
    return list(answer["items"])


async def stories(tocsin: Harness, told: Sequence[Json]) -> dict[str, list[Json]]:
    """The events of each incident, in order."""
    return {one["id"]: (await tocsin.get(f"/api/v1/incidents/{one['id']}"))["timeline"] for one in told}


def one_open_incident_a_group(alerts: Sequence[Json], told: Sequence[Json]) -> None:
    """However often the end and the beginning of a group's alerts were told."""
    groups: dict[str, set[tuple[str, ...]]] = {}
    for one in alerts:
        about = one["labels"].get("source", "")  # of an alert of ours: it has a group for each sender
        groups.setdefault(one["incident"], set()).add((one["source"], one["labels"]["alertname"], about))
    open_ = Counter(group for one in told if one["status"] != "resolved" for group in groups[one["id"]])
    assert all(times == 1 for times in open_.values()), "a group has two open incidents"
    assert all(len(groups[one["id"]]) == 1 for one in told), "an incident of two groups"


def each_alert_in_one_incident(
    alerts: Sequence[Json], told: Sequence[Json], story_of: Mapping[str, Sequence[Json]]
) -> None:
    """It joined once, where it says that it is, and ended there once, if it has ended."""
    joined, over = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for incident, story in story_of.items():
        joined.update(_named(incident, story, ("alerts_joined",)))
        over.update(_named(incident, story, OVER))
    members = [one for one in alerts if one["incident"] is not None]
    assert joined == Counter((one["incident"], one["id"]) for one in members), "joined elsewhere, or not once"
    ended = Counter((one["incident"], one["id"]) for one in members if one["status"] != "firing")
    assert over == ended, "ended elsewhere, or not once"
    for one in told:
        firing = sum(a["incident"] == one["id"] and a["status"] == "firing" for a in members)
        assert (one["firing"], one["status"] == "resolved") == (firing, firing == 0), "counts that do not agree"


def _named(incident: str, story: Sequence[Json], kinds: Sequence[str]) -> list[tuple[str, str]]:
    return [(incident, ref["id"]) for event in story if event["kind"] in kinds for ref in event["alerts"]]


def told_once(story_of: Mapping[str, Sequence[Json]]) -> None:
    """Opened once; ends and returns alternate; no step of a round is taken, no message recorded twice."""
    for story in story_of.values():
        kinds = [event["kind"] for event in story]
        assert (kinds.index("opened"), kinds.count("opened")) == (0, 1)
        turns = [kind for kind in kinds if kind in ("resolved", "reopened")]
        assert turns == ["resolved", "reopened"] * (len(turns) // 2) + ["resolved"] * (len(turns) % 2)
        messages = Counter(event["key"] for event in story if event["kind"] in ("message_sent", "message_skipped"))
        assert set(messages.values()) <= {1}, "a message was recorded twice"
        round_, steps = 0, Counter[tuple[int, int]]()
        for event in story:
            round_ += event["kind"] == "reopened"
            steps.update([(round_, event["step"])] if event["kind"] == "escalated" else [])
        assert set(steps.values()) <= {1}, "a step was taken twice"


async def folds_are_their_events(database: Database) -> None:
    """Versions without a gap, and every incident is what its events add up to."""
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(events).order_by(events.c.incident, events.c.version))).all()
        states = (await connection.execute(sa.select(incidents.c.id, incidents.c.state))).all()
    by_incident: dict[str, list[tuple[datetime, AnyEvent]]] = {}
    for row in rows:
        of_one = by_incident.setdefault(row.incident, [])
        of_one.append(event_of(row))
        assert row.version == len(of_one), "a version is missing"
    assert set(by_incident) == {row.id for row in states}
    for row in states:
        assert incident_of(row.state) == fold(row.id, by_incident[row.id])


def pages_told(told: Sequence[Json], reopened: Mapping[str, int], sent: Counter[str], again: Counter[str]) -> None:
    """Whoever must know knows; a message goes out again only where its process died before it could be recorded."""
    assert sent <= Counter(dict.fromkeys(sent, 1)) + again, "a message went out twice"
    for one in told:
        if one["status"] == "open":
            round_ = f"/{reopened[one['id']]}" if reopened[one["id"]] else ""
            assert f"{one['id']}/page/0/alice{round_}" in sent, "nobody was told"


async def memory_is_the_store(tocsin: Harness) -> None:
    """Everything that the engine remembers is what somebody finds who asks the store for the first time."""
    memory, fresh = tocsin.receiver.loop._ledger._memory, Ledger(tocsin.database)
    occurrences = dict(memory._occurrences._entries)
    incidents = dict(memory._incidents._entries)
    assert (await fresh.load(occurrences, set())).occurrences == occurrences
    assert {name: await fresh.incident(name) for name in incidents} == incidents
    for key, incident in memory._open._entries.items():
        assert set((await fresh.load((), {key})).open_by_key.values()) == {incident}
