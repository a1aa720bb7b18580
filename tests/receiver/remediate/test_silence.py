"""Steps of kind `silence`: decisions at an Alertmanager in memory, and one round at a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from receiver.config import ReceiverConfig
from receiver.engine.runs_planned import Action
from receiver.reconcile.settings import ReconcileSettings
from receiver.remediate.checks_steps import needed
from receiver.remediate.step import About, CannotBegin, NotNow
from receiver.remediate.steps.silence import SilenceStep
from receiver.remediate.values import Values
from receiver.silences.runbooks import BY, SilenceDoer
from receiver.silences.wire import Peer, in_words
from tests import real
from tests.alertmanagers import alertmanager, tells
from tests.receiver.bodies import START
from tests.receiver.remediate.checking import CONFIG
from tests.receiver.silences.fakes import FakeAlertmanager
from tocsin.amapi import Alertmanager, GettableAlert, GettableSilence, NoAnswer, PostableSilence, Refused
from tocsin.clock import ManualClock, SystemClock

LABELS = {"alertname": "Disk", "instance": "a", "severity": "critical"}
ABOUT = About("inc-1", "Disk is full", "run-1", "run-1/0", LABELS, source="alertmanager")
UNDO = replace(ABOUT, key="run-1/0/undo")


def action(**step: Any) -> Action:
    given = {"labels": ["alertname", "instance"], "for": "30m"} | step
    return SilenceStep.model_validate(given).action(Values())


END = SilenceStep(expire=True).action(Values())


class Place:
    """A doer, and the Alertmanager in memory that it writes to."""

    def __init__(self, **more: Any) -> None:
        self.clock = ManualClock(START)
        self.am = FakeAlertmanager(self.clock)
        self.am.firing = [self.alert(), self.alert(instance="b")]
        sources = {"alertmanager": ReconcileSettings.model_validate({"alertmanagers": ["http://never-asked"]})}
        self.doer = SilenceDoer(sources, self.clock, **({"peers": self.am.peers} | more))

    def alert(self, **labels: str) -> GettableAlert:
        now = self.clock.now()
        return GettableAlert(LABELS | labels, now, now)

    @property
    def active(self) -> list[GettableSilence]:
        return self.am.active


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ({"labels": []}, "labels is missing"),
        ({"for": "25h"}, "from 1m to 24h"),
        ({"for": "0"}, "from 1m to 24h"),
        ({"most": 0}, "greater than or equal to 1"),
        ({"expire": True}, "expire alone"),
        ({"labels": [""]}, "at least 1 character"),
    ],
)
def test_mistakes(step: dict[str, Any], word: str) -> None:
    """A silence of everything, for ever, or that is both written and ended, is a mistake."""
    with pytest.raises(ValidationError) as raised:
        action(**step)
    (error,) = raised.value.errors()
    assert word in f"{error['msg']} {error.get('ctx', {}).get('hint', '')}"


@pytest.mark.parametrize(("source", "told"), [(None, []), ("am", []), ("ma", ["'ma' is not a source"])])
def test_checked_with_the_runbook(tmp_path: Path, source: str | None, told: list[str]) -> None:
    """A source that the step names, and that has no Alertmanager, is told before anything is planned."""
    (tmp_path / "token").write_text("t0ken")
    given = {"bearer_token_files": [str(tmp_path / "token")], "reconcile": {"alertmanagers": ["http://am:9093"]}}
    using = ReceiverConfig.model_validate({**CONFIG, "sources": {"am": given}})
    found = [message for _, message, _ in needed(SilenceStep(labels=("a",), source=source), using)]
    assert [message[: len(word)] for word, message in zip(told, found, strict=True)] == told


def test_plan() -> None:
    """People read what would be silenced; what is approved is in the arguments."""
    assert action().does == "silence alerts with this one's alertname, instance for 30m"
    assert action().arguments == {"labels": ["alertname", "instance"], "seconds": 1800.0, "most": 10}
    assert (END.does, END.arguments) == ("end the silence that this run wrote", {"expire": True})


async def test_written_and_ended() -> None:
    """A step silences for its time what has the alert's values; its rollback ends that, and nothing else."""
    place = Place()
    before = await place.doer.look(action(), ABOUT)
    assert before["alerts"] == "1"
    assert not place.active
    done = await place.doer.do(action(), before, ABOUT)
    (silence,) = place.active
    assert in_words(silence.matchers) == ('alertname="Disk"', 'instance="a"')
    assert silence.ends_at == START + timedelta(minutes=30)
    assert (silence.created_by, silence.comment) == (
        BY,
        "runbook run run-1, step run-1/0: Disk is full; incident inc-1",
    )
    assert done.outcome == "succeeded"
    assert done.output == f'silence {silence.id}: alertname="Disk", instance="a", until 2026-11-21 03:30 UTC'
    others = [("bob", "runbook run run-1, step run-1/0: mine"), (BY, "runbook run run-1, step run-1/01: another")]
    for by, comment in others:
        await place.am.write_silence(PostableSilence(silence.matchers, START, START + timedelta(hours=9), by, comment))
    assert await place.doer.look(END, UNDO) == {"source": "alertmanager"}
    done = await place.doer.do(END, before, UNDO)
    assert (done.outcome, done.output) == ("succeeded", f"ended silence {silence.id}")
    assert {(one.created_by, one.comment) for one in place.active} == set(others)
    done = await place.doer.do(END, before, UNDO)
    assert (done.outcome, done.output) == ("succeeded", "there was none that holds")


async def test_as_a_step_of_its_own() -> None:
    """Without what a step left behind, `expire` ends all that its run wrote, and nothing of other runs."""
    place = Place()
    for number in range(2):
        await place.doer.do(action(), {}, replace(ABOUT, key=f"run-1/{number}"))
    await place.doer.do(action(), {}, replace(ABOUT, run="run-11", key="run-11/0"))
    await place.doer.do(END, {}, replace(ABOUT, key="run-1/2"))
    assert [one.comment.split(":")[0] for one in place.active] == ["runbook run run-11, step run-11/0"]


async def test_once() -> None:
    """A step that finds its silence there writes no other one."""
    place = Place()
    for _ in range(2):
        done = await place.doer.do(action(), {}, ABOUT)
        assert (done.outcome, len(place.am.writes)) == ("succeeded", 1)


@pytest.mark.parametrize(
    ("step", "about", "word"),
    [
        ({}, replace(ABOUT, labels=LABELS | {"instance": "gone"}), "no longer has the alert"),
        ({}, replace(ABOUT, labels=LABELS | {"severity": "other"}), "no longer has the alert"),
        ({"labels": ["alertname", "pod"]}, ABOUT, "has no label pod"),
        ({}, replace(ABOUT, labels={}), "has no label alertname, instance"),
        ({"labels": ["alertname"], "most": 1}, ABOUT, "would silence 2 alerts, and may 1"),
        ({}, replace(ABOUT, labels=LABELS | {"instance": "x" * 5_000}), "longer than"),
        ({}, replace(ABOUT, source=""), "nobody knows the Alertmanager of the incident"),
        ({"source": "other"}, ABOUT, "nobody knows the Alertmanager of other"),
    ],
)
async def test_does_not_begin(step: dict[str, Any], about: About, word: str) -> None:
    """Nothing is silenced where the alert is gone, lacks a label, or others would be silent with it."""
    place = Place()
    with pytest.raises(CannotBegin, match=word):
        await place.doer.look(action(**step), about)
    assert not place.am.writes


async def test_another_source() -> None:
    """A step can name whose Alertmanager it means."""
    place = Place()
    about = replace(ABOUT, source="elsewhere")
    assert (await place.doer.look(action(source="alertmanager"), about))["source"] == "alertmanager"


@pytest.mark.parametrize("value", ['"} or vector(1)', ".*", "a|b", "$(reboot)", "a\nb", "ü"])
async def test_hostile_labels(value: str) -> None:
    """A label silences alerts with exactly that value, whatever it is."""
    place = Place()
    place.am.firing.append(place.alert(instance=value))
    about = replace(ABOUT, labels=LABELS | {"instance": value})
    assert (await place.doer.look(action(), about))["alerts"] == "1"
    await place.doer.do(action(), {}, about)
    ((_, matcher),) = [one.matchers for one in place.active]
    assert (matcher.value, matcher.is_regex, matcher.is_equal) == (value, False, True)


@pytest.mark.parametrize("tenant", ["acme", ""])
async def test_tenants(tenant: str) -> None:
    """An alert of one tenant silences none of another, which names carry the same labels."""
    place = Place(tenant_label="tenant")
    mine = {"tenant": tenant} if tenant else {}
    place.am.firing = [place.alert(**mine), place.alert(tenant="rival")]
    about = replace(ABOUT, labels=LABELS | mine)
    assert (await place.doer.look(action(), about))["alerts"] == "1"
    await place.doer.do(action(), {}, about)
    assert in_words(place.active[0].matchers)[-1] == f'tenant="{tenant}"'


class Dying:
    """Alertmanagers of which one call goes wrong: `failure` is raised before, or with `after` when it was done."""

    def __init__(self, am: FakeAlertmanager, call: str, failure: Exception | None, *, after: bool = False) -> None:
        self.url = am.url
        self._am = am
        self._call = call
        self._failure = failure
        self._after = after

    @asynccontextmanager
    async def peers(self, _: ReconcileSettings) -> AsyncIterator[Sequence[Peer]]:
        yield [self]

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if name == self._call and not self._after:
                await self._fails()
            found = await getattr(self._am, name)(*arguments)
            if name == self._call:
                await self._fails()
            return found

        return call

    async def _fails(self) -> None:
        if self._failure is None:
            await asyncio.Event().wait()
        else:
            raise self._failure


AWAY, NO = NoAnswer("http://am cannot be reached"), Refused("http://am does not let us in")


@pytest.mark.parametrize(
    ("call", "failure", "after", "step", "outcome"),
    [
        ("silences", AWAY, False, action(), "failed"),
        ("silences", NO, False, action(), "failed"),
        ("silences", None, False, action(timeout="50ms"), "failed"),
        ("write_silence", AWAY, False, action(), "unknown"),
        ("write_silence", AWAY, True, action(), "succeeded"),
        ("write_silence", NO, False, action(), "failed"),
        ("write_silence", None, False, action(timeout="50ms"), "unknown"),
        ("end_silence", AWAY, False, END, "unknown"),
        ("end_silence", NO, False, END, "failed"),
        ("silences", AWAY, False, END, "failed"),
    ],
)
async def test_failures(call: str, failure: Exception | None, after: bool, step: Action, outcome: str) -> None:
    """What was never asked for has failed; a write that was not answered is looked for, and else unknown."""
    place = Place()
    if step is END:
        await place.doer.do(action(), {}, ABOUT)
    place.doer._peers = Dying(place.am, call, failure, after=after).peers
    done = await place.doer.do(step, {}, ABOUT)
    assert done.outcome == outcome, done
    assert len(place.am.writes) <= 1


@pytest.mark.parametrize(("call", "failure", "error"), [("silences", AWAY, NotNow), ("visit_alerts", NO, CannotBegin)])
async def test_look_fails(call: str, failure: Exception, error: type[Exception]) -> None:
    """An Alertmanager that is away is asked again later; one that refuses us is not."""
    place = Place()
    place.doer._peers = Dying(place.am, call, failure).peers
    with pytest.raises(error, match="http://am"):
        await place.doer.look(action(), ABOUT)


@pytest.mark.real
@pytest.mark.slow(seconds=5)
async def test_real(binaries: real.Binaries, tmp_path: Path) -> None:
    """A real Alertmanager silences exactly this alert, and no longer once the step is taken back."""
    labels = {"alertname": "Disk", "instance": 'a "b"\n{c} ü'}
    about = replace(ABOUT, labels=labels)
    async with alertmanager(binaries, tmp_path, tells("http://127.0.0.1:1/never")) as running:
        settings = ReconcileSettings.model_validate({"alertmanagers": [running.url]})
        doer, api = SilenceDoer({"alertmanager": settings}, SystemClock()), Alertmanager(running.http, running.url)
        with pytest.raises(CannotBegin, match="no longer has the alert"):
            await doer.look(action(), about)
        await running.fire(labels, labels | {"instance": "b"})
        before = await doer.look(action(), about)
        assert before["alerts"] == "1"
        assert (await doer.do(action(), before, about)).outcome == "succeeded"
        assert (await doer.do(action(), before, about)).outcome == "succeeded"
        (silence,) = await api.silences()
        assert [matcher.value for matcher in silence.matchers] == list(labels.values())
        assert silence.holds
        done = await doer.do(END, before, replace(about, key="run-1/0/undo"))
        assert (done.outcome, done.output) == ("succeeded", f"ended silence {silence.id}")
        assert [one.holds for one in await api.silences()] == [False]
