"""Incidents and occurrences: committed at once or not at all, and read back as they were."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from receiver.engine.events import Acknowledged, AnyEvent, Opened, Resolved
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.policy import step
from receiver.engine.working_set import Outcome
from receiver.store.database import Conflict, Database
from receiver.store.figures import figures
from receiver.store.inbox import Inbox
from receiver.store.ledger import Ledger
from receiver.store.queries import Queries
from receiver.store.schema import inbox, incidents
from tests.receiver.bodies import START
from tests.receiver.store.conftest import OpenStore

OPENED = Opened(tenant="default", source="alertmanager", key="k", title="It burns", escalation=(), reason="new")


def _decided(incident: Incident, *events: AnyEvent) -> Outcome:
    outcome = Outcome()
    for event in events:
        decision = step(incident, event, START)
        outcome.record(incident, decision, START)
        incident = decision.incident
    return outcome


def _occurrence(name: str, **changes: object) -> Occurrence:
    whole = Occurrence(
        id=name,
        identity=f"identity of {name}",
        tenant="default",
        source="alertmanager",
        fingerprint="f",
        labels={"alertname": name},
        annotations={},
        generator_url="",
        starts_at=START,
        ends_at=None,
        incident=None,
    )
    return replace(whole, **changes)


async def _opened(store: Database, name: str = "i") -> Incident:
    await Ledger(store).commit(_decided(Incident(name), _of_key(OPENED, name)), START)
    found = await Ledger(store).incident(name)
    assert found is not None
    return found


def _of_key(opened: Opened, key: str) -> Opened:
    return Opened(**{name: getattr(opened, name) for name in opened.__struct_fields__} | {"key": key})


async def test_two_writers_of_one_version(store: Database) -> None:
    """Of two decisions on the same version the second is refused, and leaves nothing behind."""
    incident = await _opened(store)
    await Ledger(store).commit(_decided(incident, Acknowledged(by="alice")), START)
    with pytest.raises(Conflict):
        await Ledger(store).commit(_decided(incident, Resolved(by="bob", reason="")), START)
    found = await Ledger(store).incident("i")
    assert found is not None
    assert (found.acknowledged_by, found.resolved_by) == ("alice", "")
    assert len(await Queries(store).timeline("i")) == incident.version + 1


async def test_two_writers_at_the_same_time(open_store: OpenStore, store_url: str) -> None:
    """The same, when they commit in the same moment."""
    one = await open_store()
    other = await open_store() if store_url else one
    incident = await _opened(one)
    outcomes = [_decided(incident, Acknowledged(by=name)) for name in ("alice", "bob")]
    commits = [
        Ledger(database).commit(outcome, START) for database, outcome in zip((one, other), outcomes, strict=True)
    ]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict]


async def test_one_open_incident_of_a_key(store: Database) -> None:
    """A second open incident of a key is refused; once the first is resolved, it is not."""
    first = await _opened(store)
    second = _decided(Incident("j"), _of_key(OPENED, "i"))
    with pytest.raises(Conflict):
        await Ledger(store).commit(second, START)
    await Ledger(store).commit(_decided(first, Resolved(by="bob", reason="")), START)
    await Ledger(store).commit(second, START)
    work = await Ledger(store).load([], {"i"})
    assert work.open_by_key == {"i": "j"}


async def test_end_is_dated(store: Database) -> None:
    """A resolved incident bears the time of its end in a column, for retention."""
    incident = await _opened(store)
    await Ledger(store).commit(_decided(incident, Resolved(by="bob", reason="")), START)
    async with store.read() as connection:
        assert (await connection.execute(sa.select(incidents.c.resolved_at))).scalar_one() == START


async def test_latest_occurrence(store: Database) -> None:
    """Of an identity the open occurrence is what counts, else the one that ended last; all texts come back."""
    odd = {"alertname": "größe\n\"'{{ 7 }}", "zero": "\x00"}
    ended = [_occurrence(f"e{n}", identity="same", ends_at=START + timedelta(seconds=n)) for n in (2, 1)]
    open_ = _occurrence("o", identity="other", labels=odd)
    outcome = Outcome(occurrences={one.id: one for one in [*ended, open_]})
    await Ledger(store).commit(outcome, START)
    work = await Ledger(store).load(["same", "other", "unknown"], set())
    assert work.occurrences == {"same": ended[0], "other": open_}


async def test_text_that_a_database_cannot_hold(store: Database) -> None:
    """NUL in what senders write, a tenant or a fingerprint, neither fails nor is asked again for ever."""
    await Ledger(store).commit(Outcome(occurrences={"a": _occurrence("a", tenant="a\x00b", fingerprint="\x00")}), START)
    assert [one.id for one in (await Queries(store).alerts(status=None, incident=None, limit=9, after=None)).items] == [
        "a"
    ]


async def test_value_that_is_refused_for_ever(replicas: tuple[Database, Database]) -> None:
    """A value that PostgreSQL would never take is no reason to wait for the store."""
    row = {"source": "s", "received_at": START, "alerts": "many", "content": b""}
    with pytest.raises(DBAPIError):
        async with replicas[0].write() as connection:
            await connection.execute(sa.insert(inbox), [row])


async def test_pages_and_prefixes(store: Database) -> None:
    """Lists go newest first across pages, and ids are found by their beginning, byte by byte."""
    for name in ("aa", "aB", "b"):
        await _opened(store, name)
    queries = Queries(store)
    first = await queries.incidents(limit=2, after=None)
    assert [one.id for one in first.items] == ["b", "aa"]
    assert {one.id for one in await queries.named("a")} == {"aB", "aa"}
    inbox_ = await Inbox.open(store, done=0, limit=1)
    assert (await figures(store, inbox_, START)).incidents == [("open", "info", 3)]
    await inbox_.close()
