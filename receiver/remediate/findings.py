"""What a check says of a runbook, and what it may know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from receiver.people.named import Somebody
from receiver.people.settings import RoleSettings
from receiver.remediate.config import RemediationSettings
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import ConditionSettings
from receiver.remediate.step import StepSettings
from tocsin.problem import Level
from tocsin.yamltree import YamlPath


class Config(Somebody, Protocol):
    """What checks read of the receiver's configuration."""

    @property
    def roles(self) -> Mapping[str, RoleSettings]: ...
    @property
    def channels(self) -> Collection[str]: ...
    @property
    def alertmanagers(self) -> Mapping[str, object]: ...
    @property
    def remediation(self) -> RemediationSettings | None: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a runbook; `path` leads there within its document."""

    check: str
    path: YamlPath
    message: str
    hint: str
    severity: Level = "error"
    part: str = ""


Check = Callable[[Runbook, Config | None], Iterable[Finding]]  # None: nothing is known of the configuration


def texts(value: Any, path: YamlPath = ()) -> Iterator[tuple[YamlPath, str]]:
    """Every text in a document's data, keys included, with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*path, key), str(key)
            yield from texts(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from texts(inner, (*path, number))


def steps(runbook: Runbook) -> Iterator[tuple[YamlPath, StepSettings]]:
    """Every step and rollback, with the place of its kind."""
    for number, entry in enumerate(runbook.settings.steps):
        yield ("steps", number, entry.step.KIND), entry.step
        if entry.rollback is not None:
            yield ("steps", number, "rollback", entry.rollback.step.KIND), entry.rollback.step


def questions(runbook: Runbook) -> Iterator[tuple[YamlPath, str, Mapping[str, str], ConditionSettings | None]]:
    """Every expression with its place, its `where`, and its condition (None: it counts a fleet)."""
    settings = runbook.settings
    for number, guard in enumerate(settings.guards):
        yield ("guards", number), guard.expr, guard.where, guard
    for number, one in enumerate(settings.verify.conditions if settings.verify else ()):
        yield ("verify", "conditions", number), one.expr, one.where, one
    fleet = settings.target.fleet
    if fleet is not None and fleet.expr is not None:
        yield ("target", "fleet"), fleet.expr, fleet.where, None
