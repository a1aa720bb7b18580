"""Arbitrary interleavings of bodies, failing commits, crashes, restarts and changes of the lease, against a model."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from receiver.store.database import Lost
from receiver.store.memory import Memory
from tests.receiver import promises
from tests.receiver.faults import When
from tests.receiver.harness import HOOK, Death, Harness
from tests.receiver.model import Kind, Model, Sent, Told
from tests.receiver.world import World, told_by
from tocsin.errors import StoreUnavailable

T = TypeVar("T")

replicas = st.integers(0, 1)
sources = st.sampled_from(["alertmanager", "alertmanager", "berlin"])
kinds = st.sampled_from(["firing", "firing", "resolved", "resolved", "expired"])
ages = st.sampled_from([0, 0, 5, 30, 400])
lengths = st.sampled_from([1, 5, 30, 400])
said = st.lists(st.tuples(st.sampled_from("ab"), kinds, ages, lengths), min_size=1, max_size=3)
something_came = precondition(lambda machine: machine.model.spans)
faults = st.sampled_from([None, None, None, "before", "after"])
skips = st.integers(0, 2)


class Machine(RuleBasedStateMachine):
    """The rules; what must hold is looked at whenever everything has settled."""

    server: ClassVar[str] = ""
    bodies: Bundle[Sent] = Bundle("bodies")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.world = World(self.server)
        self.model = Model()
        self.over: dict[str, str] = {}  # alerts that ended, by id, and their identity

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(what)

    @initialize()
    def begin(self) -> None:
        self.run(self.world.begin())

    @rule(target=bodies, source=sources, group=st.sampled_from("AAB"), told=said, which=replicas, fault=faults)
    def post(
        self, source: str, group: str, told: list[tuple[str, Kind, int, int]], which: int, fault: When | None
    ) -> Sent:
        """A body about the present, or the near past."""
        now = self.world.second
        alerts = tuple(Told(name, kind, now - age - lasted, now - age) for name, kind, age, lasted in told)
        sent = Sent(source, group, alerts)
        self.run(self._post(sent, which, fault))
        return sent

    @rule(sent=bodies, which=replicas, fault=faults)
    def post_again(self, sent: Sent, which: int, fault: When | None) -> None:
        """A repeat, a retry, or what another peer had kept for a while."""
        self.run(self._post(sent, which, fault))

    @rule(sent=bodies)
    def post_by_peers(self, sent: Sent) -> None:
        """Three peers at the same moment, through whichever replica."""
        self.run(self._post_by_peers(sent))

    @rule(target=bodies, sent=bodies, which=replicas)
    def post_end(self, sent: Sent, which: int) -> Sent:
        """What a body told is over now."""
        return self.run(self._post_end(sent, which))

    @rule(sent=bodies, which=replicas)
    def post_overtaken(self, sent: Sent, which: int) -> None:
        """One peer tells the end at once, and another still repeats what it saw before."""
        self.run(self._post_end(sent, which))
        self.world.clock.advance(seconds=15)
        self.run(self._post(sent, which, None))

    @rule(source=sources, which=replicas)
    def post_nonsense(self, source: str, which: int) -> None:
        self.run(self._post(Sent(source, "", ()), which, None))

    @something_came
    @rule(which=replicas, fault=faults, skip=skips)
    def process(self, which: int, fault: When | None, skip: int) -> None:
        """A batch; if somebody else has the turn, nothing comes of it."""
        self.run(self._process(self.world[which], fault, skip))

    @rule(sent=bodies, which=replicas)
    def process_meanwhile(self, sent: Sent, which: int) -> None:
        """Three peers tell something while a batch is processed."""
        self.run(self._process_meanwhile(sent, which))

    @something_came
    @rule(which=replicas, fault=faults, skip=skips)
    def work(self, which: int, fault: When | None, skip: int) -> None:
        """Timers and messages that are due."""
        self.run(self._work(self.world[which], fault, skip))

    @something_came
    @rule(which=replicas)
    def die_at_work(self, which: int) -> None:
        """The process dies when a message has gone out and before it is recorded."""
        self.run(self._die_at_work(which))

    @something_came
    @rule(which=replicas, fault=faults, skip=skips)
    def crash(self, which: int, fault: When | None, skip: int) -> None:
        """In the middle of a batch, before or after its commit, or when nothing happens."""
        self.run(self._process(self.world[which], fault, skip))
        self.run(self.world.crash(which))

    @something_came
    @rule(which=replicas)
    def take_over(self, which: int) -> None:
        self.run(self.world.take_over(which))

    @something_came
    @rule(which=replicas)
    def wake_up(self, which: int) -> None:
        """An engine stood still while the turn went on, and goes on with what it was about to do."""
        self.run(self._wake_up(which))

    @something_came
    @rule(which=replicas)
    def acknowledge(self, which: int) -> None:
        self.run(self._acknowledge(self.world[which]))

    @something_came
    @rule(occurrences=st.integers(0, 2), incidents=st.integers(0, 2))
    def remember_little(self, occurrences: int, incidents: int) -> None:
        """What the engine remembers is only ever a copy: with less of it everything goes on."""
        self.world[0].receiver.loop._ledger._memory = Memory(occurrences, incidents)

    @something_came
    @precondition(lambda machine: not machine.world.shared)
    @rule()
    def lose_empty_inbox(self) -> None:
        """Positions go on behind what is committed even where the file with their sequence is gone."""
        self.run(self._settle())
        self.run(self.world.lose_inbox())

    @something_came
    @rule()
    def lapse_claims(self) -> None:
        self.run(self.world.lapse_claims())

    @something_came
    @rule(seconds=st.sampled_from([1, 15, 60, 301, 420, 900]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @something_came
    @rule()
    def settle(self) -> None:
        self.run(self._settle())

    def teardown(self) -> None:
        try:
            self.run(self._settle())
        finally:
            self.run(self.world.close())
            self.runner.close()

    async def _post(self, sent: Sent, which: int, fault: When | None) -> None:
        with self.world.faults.armed(fault) as armed:
            status = await self._status(sent, which)
        assert status == (503 if armed.bit else 200)
        if status == 200 or armed.bit == "after":
            self.model.take(sent, self.world.second)

    async def _post_end(self, sent: Sent, which: int) -> Sent:
        now = self.world.second
        over = Sent(sent.source, sent.group, tuple(replace(one, kind="resolved", end=now) for one in sent.alerts))
        await self._post(over, which, None)
        return over

    async def _post_by_peers(self, sent: Sent) -> None:
        statuses = await asyncio.gather(*(self._status(sent, peer % 2) for peer in range(3)))
        assert statuses == [200] * 3
        for _ in statuses:
            self.model.take(sent, self.world.second)

    async def _status(self, sent: Sent, which: int) -> int:
        answer = await self.world[which].client.post(f"{HOOK}/{sent.source}", data=sent.content)
        return answer.status

    async def _process(self, one: Harness, fault: When | None, skip: int) -> None:
        ours = await self.world.has_turn(one)
        with self.world.faults.armed(fault, skip) as armed:
            try:
                assert not await one.receiver.loop.run_once() or ours, "an engine without the turn has written"
            except Lost:
                assert not ours
            except StoreUnavailable:
                assert armed.bit
        await self._nothing_returns()
        if not self.world.shared:  # what another replica changes is noticed when it is decided about
            await promises.memory_is_the_store(one)

    async def _process_meanwhile(self, sent: Sent, which: int) -> None:
        peers = (self._status(sent, which) for _ in range(3))
        _, *statuses = await asyncio.gather(self._process(self.world[which], None, 0), *peers)
        assert statuses == [200] * 3
        for _ in statuses:
            self.model.take(sent, self.world.second)

    async def _work(self, one: Harness, fault: When | None, skip: int) -> None:
        with self.world.faults.armed(fault, skip) as armed:
            try:
                await one.receiver.runner.run_all_due()
            except StoreUnavailable:
                assert armed.bit

    async def _die_at_work(self, which: int) -> None:
        one = self.world[which]
        before = told_by(one)
        for phone in one.phones.values():
            phone.kills = True
        known = asyncio.all_tasks()
        try:
            await one.receiver.runner.run_all_due()
        except Death:
            await asyncio.gather(*(asyncio.all_tasks() - known), return_exceptions=True)  # messages at the same moment
            self.world.again += told_by(one) - before
        await self.world.crash(which)

    async def _wake_up(self, which: int) -> None:
        one = self.world[which]
        stale = one.receiver.turns.epoch
        await self.world.take_over(1 - which)
        one.receiver.loop.begin(stale)
        with suppress(Lost):
            assert not await one.receiver.loop.run_once(), "an engine without the turn has written"
        one.receiver.loop.begin(one.receiver.turns.epoch)

    async def _acknowledge(self, one: Harness) -> None:
        for incident in await promises.every(one, "incidents"):
            await one.client.post(f"/api/v1/incidents/{incident['id']}/acknowledge", json={"by": "alice"})

    async def _nothing_returns(self) -> list[promises.Json]:
        alerts = await promises.every(self.world[0], "alerts")
        there = {one["id"]: one["status"] for one in alerts}
        assert self.over.keys() <= there.keys(), "an alert is gone"
        assert "firing" not in {there[one] for one in self.over}, "what had ended fires again"
        self.over |= {one: status for one, status in there.items() if status != "firing"}
        return alerts

    async def _settle(self) -> None:
        await self.world.settle()
        one = self.world[0]
        alerts, incidents = await self._nothing_returns(), await promises.every(one, "incidents")
        story_of = await promises.stories(one, incidents)
        assert sorted(promises.seen(alert) for alert in alerts) == self.model.expected()
        promises.one_open_incident_a_group(alerts, incidents)
        promises.each_alert_in_one_incident(alerts, incidents, story_of)
        promises.told_once(story_of)
        reopened = {id_: sum(event["kind"] == "reopened" for event in story) for id_, story in story_of.items()}
        promises.pages_told(incidents, reopened, self.world.sent, self.world.again)
        await promises.folds_are_their_events(one.database)
        assert len((await one.get("/api/v1/quarantine?limit=1000"))["items"]) == self.model.quarantined


def settled(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=set(Phase) - {Phase.explain},  # it traces every line of the store's libraries
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True)
def _small_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few bodies make a batch, and the next one is decided meanwhile; a store that has failed is asked at once."""
    monkeypatch.setattr("receiver.jobs.runner.POLL_SECONDS", 0)
    monkeypatch.setattr("receiver.store.spool.MAX_BATCH_BODIES", 3)
    monkeypatch.setattr("receiver.loop.AHEAD_ALERTS", 1)


@pytest.mark.slow(seconds=35)
def test_on_sqlite() -> None:
    """No committed alert is lost, no incident doubled, and what has ended stays ended, whatever happens in between."""
    run_state_machine_as_test(Machine, settings=settled(examples=15, steps=35))


@pytest.mark.slow(seconds=40)
def test_on_postgresql(postgres_server: str) -> None:
    """The same with two replicas, of which one at a time has the engine's turn."""

    class OnPostgresql(Machine):
        server = postgres_server

    run_state_machine_as_test(OnPostgresql, settings=settled(examples=8, steps=35))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_faults_bite(when: When) -> None:
    """The commits that the machine lets fail are those of the inbox and of the engine."""
    world, sent = World(), Sent("berlin", "A", (Told("a", "firing", 0, 0),))
    await world.begin()
    try:
        with world.faults.armed(when) as armed:
            assert (await world[0].client.post(HOOK, data=sent.content)).status == 503
        assert armed.bit == when
        await world[0].client.post(HOOK, data=sent.content)
        # The engine reads what it needs by the writer's connection: that transaction ends first.
        with world.faults.armed(when, 1) as armed, pytest.raises(StoreUnavailable, match="a fault of this test"):
            await world[0].receiver.loop.run_once()
        assert armed.bit == when
        assert len(await world[0].alerts()) == (1 if when == "after" else 0)
    finally:
        await world.close()
