"""What a kind of step is: settings that become an action, and a doer that does it. One module each, in `steps/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Protocol

from pydantic import Field

from receiver.engine.run_events import StepOutcome
from receiver.engine.runs_planned import Action
from receiver.remediate.values import Values
from tocsin.config import Duration, Settings
from tocsin.errors import TocsinError

MOST_OUTPUT = 16_384  # characters of a step's output that are kept: its beginning and its end


class CannotBegin(TocsinError):
    """The step was not begun, and will not be: its target is gone, or not as it must be. Nothing was done."""


class NotNow(TocsinError):
    """The step was not begun: the far side does not answer just now. Nothing was done, and it may be tried again."""


@dataclass(frozen=True, slots=True)
class About:
    """What a step may know of the incident that it is for. `key` names this step of this run for ever."""

    incident: str
    title: str
    run: str
    key: str
    labels: Mapping[str, str] = field(default_factory=dict)  # of the alert
    annotations: Mapping[str, str] = field(default_factory=dict)
    source: str = ""  # of the alerts


@dataclass(frozen=True, slots=True)
class Done:
    """How it went. `unknown`: it may have been done, or may still be; whoever says `failed` knows that it was not done,
    or was done and went wrong. `output` is bounded and without secrets.
    """

    outcome: StepOutcome
    output: str = ""
    reason: str = ""


class StepSettings(Settings):
    """The base of every kind's settings. A text may name values of the runbook: `$(deployment)`."""

    KIND: ClassVar[str]
    TIMEOUT: ClassVar[timedelta] = timedelta(minutes=1)

    name: str = Field("", max_length=60, description="What people call it; default: its kind.")
    timeout: Duration | None = Field(None, description="How long it may take; then it counts as failed or unknown.")

    def action(self, values: Values) -> Action:
        """What will be done, with every value filled in. Pure.

        Raises:
            Unfit: a value is not such as it may stand here.
        """
        does, arguments = self.planned(values)
        return Action(self.KIND, self.name or self.KIND, does, arguments, self.timeout or self.TIMEOUT)

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        """In words what will be done, and the arguments for the doer, of JSON's types."""
        raise NotImplementedError

    def unfit_to_take_back(self, step: StepSettings) -> str:
        """Why this cannot be the rollback of a step, or an empty text."""
        return ""

    @property
    def only_takes_back(self) -> bool:
        """Whether it makes sense as a rollback alone."""
        return False


class Doer(Protocol):
    """Does actions of one kind. Only a process that runs remediation has any: it alone reads their credentials."""

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """How things are before the step: what people want to know, and what its rollback needs. Changes nothing.

        Raises:
            CannotBegin: the target is gone, or not as it must be.
            NotNow: the far side does not answer.
        """
        ...

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """Does it, once, within `action.timeout`. `before` is what `look` gave, to a rollback that of its step.

        Cancelled, it ends whatever it has begun, as far as that can be.
        """
        ...

    async def close(self) -> None:
        """Lets go of what it keeps."""
        ...
