"""A receiver with runbooks whose steps are done by a hand that writes down what it did, and a Prometheus of numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from receiver.config import ReceiverConfig
from receiver.engine.run import Run
from receiver.engine.run_events import Observed
from receiver.engine.runs_planned import Action, Condition
from receiver.remediate.asking import Asking, judged
from receiver.remediate.step import About, Done
from receiver.store.jobs import CLAIM_LASTS
from tests.receiver.harness import Death, Harness, escalation, receiver
from tocsin.clock import ManualClock
from tocsin.config import load
from tocsin.errors import InputError
from tocsin.problem import as_text

__all__ = ["CLAIM_LASTS", "Hand", "Healing", "Numbers", "healing", "runbook", "step"]


@dataclass
class Hand:
    """Does steps: what it did stands in a file, which outlives a death, one line a step."""

    file: Path
    outcomes: dict[str, Done] = field(default_factory=dict)  # by the step's name
    before: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, Exception] = field(default_factory=dict)  # what `look` raises
    then: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)  # what happens during a step
    dies_before: str = ""  # the name of a step
    dies_after: str = ""

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        if action.name in self.refusals:
            raise self.refusals[action.name]
        return self.before

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        if action.name == self.dies_before:
            raise Death
        with self.file.open("a") as out:
            out.write(f"{action.name}\n")
        if action.name in self.then:
            await self.then[action.name]()
        if action.name == self.dies_after:
            raise Death
        return self.outcomes.get(action.name, Done("succeeded", output=f"did {action.name}"))

    async def close(self) -> None:
        pass

    @property
    def did(self) -> list[str]:
        """The names of the steps that were done, in order."""
        return self.file.read_text().split() if self.file.exists() else []


class Numbers(Asking):
    """Answers each expression with a number; one that is not there is answered by nobody."""

    def __init__(self, values: dict[str, float]) -> None:
        super().__init__(None)
        self.values = values
        self.asked: list[str] = []

    async def observe(self, conditions: Sequence[Condition]) -> tuple[Observed, ...]:
        return tuple(self._number(one) for one in conditions)

    async def size(self, expr: str) -> int | None:
        value = self.values.get(expr)
        return None if value is None else int(value)

    def _number(self, condition: Condition) -> Observed:
        self.asked.append(condition.expr)
        value = self.values.get(condition.expr)
        if value is None:
            return Observed(condition.name, condition.expr, holds=False, reason="no answer", answered=False)
        return judged(condition, value)


def step(name: str, *, rollback: bool = False, **more: Any) -> dict[str, Any]:
    """A step that the hand does, and what takes it back."""
    found: dict[str, Any] = {"exec": {"name": name, "command": [f"/opt/{name}"]} | more}
    if rollback:
        found["rollback"] = {"exec": {"name": f"un{name}", "command": [f"/opt/un{name}"]}}
    return found


def runbook(*steps: dict[str, Any], name: str = "restart", **more: Any) -> dict[str, Any]:
    """A document that acts on the alert's `service`."""
    document = {
        "apiVersion": "tocsin/v1alpha1",
        "kind": "Runbook",
        "metadata": {"name": name},
        "match": ['alertname="PlayerErrors"'],
        "values": {"service": {"label": "service", "pattern": "[a-z0-9-]{1,40}"}},
        "target": {"is": "$(service)", "allow": ["player", "cart"]},
        "mode": "apply",
        "steps": list(steps) or [step("restart")],
        "verify": {"conditions": [{"expr": "errors", "at_most": 0}], "within": "2m", "every": "15s"},
    }
    return document | more


@dataclass
class Healing:
    """A receiver that heals."""

    harness: Harness
    hand: Hand
    numbers: Numbers

    async def run(self) -> Run:
        """The one run that there is."""
        (incident,) = await self.harness.incidents()
        (found,) = await self.runs(incident["id"])
        return found

    async def runs(self, incident: str) -> Sequence[Run]:
        known = await self.harness.receiver.telling.responder._ledger.incident(incident)
        assert known is not None
        return known.runs


def configured(folder: Path, documents: Sequence[dict[str, Any]], extra: dict[str, Any]) -> ReceiverConfig:
    """Writes runbooks and a configuration that names them, and reads it."""
    folder.mkdir(exist_ok=True)
    (folder / "runbooks.yml").write_text(yaml.safe_dump_all(documents))
    whole = escalation(("1m", ("alice",)), ("5m", ("bob",))).model_dump(mode="json", exclude_unset=True)
    remediation = {"runbook_files": ["runbooks.yml"], "prometheus": {"url": "http://127.0.0.1:1"}}
    remediation |= {"exec": {"allow": ["/opt"]}} | extra.pop("remediation", {})
    file = folder / "receiver.yml"
    file.write_text(yaml.safe_dump(whole | {"remediation": remediation} | extra))
    try:
        return load(file, ReceiverConfig)
    except InputError as error:
        raise AssertionError(as_text(error.problems)) from error


@asynccontextmanager
async def healing(
    folder: Path,
    *documents: dict[str, Any],
    numbers: dict[str, float] | None = None,
    clock: ManualClock | None = None,
    **extra: Any,
) -> AsyncIterator[Healing]:
    """A receiver whose runbooks are these; `extra` is more of its configuration. Start it twice on one folder."""
    config = configured(folder, documents, extra)
    hand, asking = Hand(folder / "did"), Numbers({"errors": 0.0} if numbers is None else numbers)
    async with receiver(folder / "store", config, clock=clock) as harness:
        use(harness, hand, asking)
        yield Healing(harness, hand, asking)


def use(harness: Harness, hand: Hand, asking: Asking) -> None:
    """Puts the hand and the numbers in the place of the real ones."""
    remediating = harness.receiver.remediating
    remediating.proposing.asking = asking
    if remediating.acting is not None:
        remediating.acting.doers = {"exec": hand}
