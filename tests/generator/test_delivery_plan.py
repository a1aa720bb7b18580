"""Plans, their carrying out and drift, on a place in memory: decided and told without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.delivery.apply import Progress, apply
from generator.delivery.destination import Held, Piece
from generator.delivery.drift import of_held, of_running
from generator.delivery.plan import Plan, between, make
from generator.delivery.reading import groups_in
from generator.delivery.running import Running, Sick
from generator.delivery.telling import drift_text, progress_text, step_text
from generator.delivery.wording import Style
from tocsin.errors import DeliveryError, PlaceLost

ALERT = "groups: [{{name: {name}, rules: [{{alert: {name}, expr: up > {above}}}]}}]\n"
RECORD = "groups: [{{name: {name}, rules: [{{record: 'a:{name}', expr: up > {above}}}]}}]\n"


def piece(name: str, above: int = 1, text: str = ALERT) -> Piece:
    written = text.format(name=name, above=above)
    return Piece(name, written, groups_in(written, name))


class Memory:
    """A place that holds pieces, and does to some what it is told to."""

    def __init__(self, *pieces: Piece, strangers: frozenset[str] = frozenset()) -> None:
        self.there = {one.name: one for one in pieces}
        self.strangers = strangers
        self.at: dict[str, Callable[[], None]] = {}
        self.calls: list[str] = []
        self.where = "memory"

    async def held(self) -> Held:
        return Held(dict(self.there), self.strangers)

    async def put(self, one: Piece) -> None:
        self.calls.append(f"put {one.name}")
        await asyncio.sleep(0)
        self.at.get(one.name, lambda: None)()
        self.there[one.name] = one

    async def remove(self, one: Piece) -> None:
        self.calls.append(f"remove {one.name}")
        self.at.get(one.name, lambda: None)()
        self.there.pop(one.name, None)

    async def finish(self) -> str:
        self.calls.append("finish")
        return "reloaded"


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(step.action, step.piece.name) for step in plan.steps]


def states(progress: Progress) -> list[tuple[str, str, str]]:
    return [(step.piece.name, state, why) for step, state, why in progress.rows()]


def test_what_is_recorded_goes_first_and_what_is_gone_last() -> None:
    """A rule that moves is never missing, and what it reads is there before it."""
    wanted = [piece("a"), piece("b", text=RECORD), piece("c", 2), piece("d")]
    held = Held({"c": piece("c"), "d": piece("d"), "old": piece("old"), "x": piece("x")})
    plan = make(wanted, held)
    assert steps(plan) == [("create", "b"), ("create", "a"), ("update", "c"), ("remove", "old"), ("remove", "x")]
    assert (plan.kept, plan.is_done) == (("d",), False)
    spared = make(wanted, held, prune=False)
    assert (len(spared.steps), spared.spared) == (3, ("old", "x"))


def test_what_is_somebody_elses_is_in_the_way() -> None:
    """It is neither a step nor in step, and the plan is never done."""
    plan = make([piece("a"), piece("b")], Held({"b": piece("b")}, frozenset({"a", "z"})))
    assert (plan.steps, plan.kept, plan.in_the_way, plan.is_done) == ((), ("b",), ("a",), False)


def test_labels_of_the_whole_count() -> None:
    """Who selects objects by a label would not find one without it; what others put there is theirs."""
    wanted = replace(piece("a"), labels={"team": "core"})
    for labels, lacking in (({}, {"team": "core"}), ({"team": "x", "y": "z"}, {"team": "core"})):
        held = Held({"a": replace(piece("a"), labels=labels)})
        [step] = make([wanted], held).steps
        assert (step.action, bool(step.difference), step.labels) == ("update", False, lacking)
        drift = of_held("there", [wanted], held)
        assert (drift.in_step, dict(drift.unlabelled)) == (False, {"a": lacking})
        assert "! a has not team=core" in drift_text(drift, Style())
    assert make([wanted], Held({"a": replace(piece("a"), labels={"team": "core", "y": "z"})})).is_done


async def test_applied_twice_the_second_does_nothing() -> None:
    """What was made from a plan is in step with it."""
    place, wanted = Memory(piece("old")), [piece("a"), piece("b")]
    for calls in (["put a", "put b", "remove old", "finish"], ["finish"]):
        place.calls.clear()
        progress = Progress(make(wanted, await place.held()))
        await apply(progress.plan, place, progress)
        assert (progress.is_done, place.calls) == (True, calls)
    assert progress_text(progress, "memory") == "reloaded\nmemory: nothing to do, 2 in step"


async def test_a_refusal_stops_nothing_but_removals() -> None:
    """What was refused may be where a removed rule moved to."""
    place = Memory(piece("old"))
    place.at["b"] = raising(DeliveryError("no such metric"))
    progress = Progress(make([piece("a"), piece("b"), piece("c")], await place.held()))
    await apply(progress.plan, place, progress)
    assert place.calls == ["put a", "put b", "put c", "finish"]
    held_back = "not removed while something was refused: a rule that moved would be lost"
    assert states(progress) == [
        ("a", "applied", ""),
        ("b", "failed", "no such metric"),
        ("c", "applied", ""),
        ("old", "waiting", held_back),
    ]
    assert not progress.is_done


async def test_a_place_that_is_lost_is_not_tried_again() -> None:
    """The rest would take as long to fail, each."""
    place = Memory()
    place.at["b"] = raising(PlaceLost("memory is gone"))
    progress = Progress(make([piece("a"), piece("b"), piece("c")], await place.held()))
    await apply(progress.plan, place, progress)
    assert place.calls == ["put a", "put b"]
    assert states(progress)[1:] == [("b", "failed", "memory is gone"), ("c", "waiting", "not tried")]
    assert progress.trouble == "memory is gone"
    assert progress_text(progress, "memory") == "memory: 1 of 3 done; apply again does the rest"


@pytest.mark.parametrize(
    ("name", "there", "why"),
    [
        ("a", None, "it was taken, and is not there"),
        ("a", piece("a", 5), "it was taken, and what is there is otherwise: 1 rule changed"),
        ("old", piece("old"), "it was taken away, and is there all the same"),
    ],
)
async def test_it_is_read_back(name: str, there: Piece | None, why: str) -> None:
    """What a place says that it did is looked at."""
    place = Memory(piece("old"))
    progress = Progress(make([piece("a")], await place.held()))

    class Lying(Memory):
        async def held(self) -> Held:
            return Held({name: there} if there else {})

    await apply(progress.plan, Lying(piece("old")), progress)
    assert (name, "failed", why) in states(progress)


async def test_whoever_is_stopped_says_how_far_it_came() -> None:
    """One step may have been done or not; those after it were not."""
    place = Memory()
    progress = Progress(make([piece("a"), piece("b"), piece("c")], await place.held()))
    task = asyncio.create_task(apply(progress.plan, place, progress))

    def stop() -> None:
        task.cancel()

    place.at["a"] = stop
    with pytest.raises(asyncio.CancelledError):
        await task
    told = [step_text(*row) for row in progress.rows()]
    assert told == [
        "created a",
        "create b: interrupted; it may have been done or not",
        "did not create c: interrupted before it",
    ]
    assert progress_text(progress, "memory") == "memory: 1 of 3 done; apply again does the rest"


names = st.sampled_from("abcdef")
held = st.dictionaries(names, st.integers(1, 3), max_size=6)


@settings(max_examples=60, deadline=None)
@given(held, held, st.frozensets(names, max_size=2), st.frozensets(names, max_size=3), st.booleans())
def test_repeated_it_arrives(
    wanted: dict[str, int], there: dict[str, int], others: frozenset[str], failing: frozenset[str], prune: bool
) -> None:
    """However much was refused at first: then the place holds what is wanted, and a further run does nothing."""

    async def run() -> None:
        place = Memory(*(piece(name, above) for name, above in there.items() if name not in others), strangers=others)
        before = set(place.there)
        pieces = [piece(name, above) for name, above in wanted.items()]
        for refused in (failing, frozenset[str](), frozenset[str]()):
            place.at = {name: raising(DeliveryError("no")) for name in refused}
            place.calls.clear()
            progress = Progress(make(pieces, await place.held(), prune=prune))
            await apply(progress.plan, place, progress)
            assert progress.is_done == (
                not (wanted.keys() & others) and all(state == "applied" for _, state, _ in progress.rows())
            )
            assert not {call.split()[-1] for call in place.calls} & others
        assert place.calls == ["finish"]
        mine = wanted.keys() - others
        assert place.there.keys() == (mine if prune else mine | before)
        assert all(not between(place.there[one.name], one) for one in pieces if one.name in mine)

    asyncio.run(run())


UID = "0b0e9a7a-1c1d-4f0e-9d9f-3f1d2c3b4a59"


@pytest.mark.parametrize(
    ("file", "extra"),
    [
        ("/etc/prometheus/rules/node.yml", True),
        (f"/etc/prometheus/rules/k8s-rulefiles-0/monitoring-node-{UID}.yaml", True),
        ("tocsin.node", True),
        ("/etc/prometheus/all.yml", False),
    ],
)
def test_which_of_what_runs_is_ours(file: str, extra: bool) -> None:
    """By the file's name, as each kind of place has it; in a file of another name, only groups that are built."""
    built = {"node": groups_in(ALERT.format(name="A", above=1), "node")}
    more = groups_in(ALERT.format(name="B", above=1), file)
    found = Running({file: (*built["node"], *more), "/other/own.yml": more}, (Sick(file, "A", "A", "no"),))
    drift = of_running("there", built, found)
    assert [rule.rule.name for rule in drift.difference.rules] == (["B"] if extra else [])
    nobody = of_running("there", built, Running({"/other/own.yml": more}))
    assert [(rule.kind, rule.rule.name) for rule in nobody.difference.rules] == [("removed", "A")]
