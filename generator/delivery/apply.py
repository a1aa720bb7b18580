"""A plan carried out, step by step: what became of each is known at every moment, also when somebody stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.delivery.destination import Destination, Piece
from generator.delivery.plan import Plan, Step, between, lacking
from generator.delivery.wording import summary
from tocsin.errors import DeliveryError, PlaceLost

State = Literal["waiting", "begun", "applied", "failed"]
HELD_BACK = "not removed while something was refused: a rule that moved would be lost"
NOT_TRIED = "not tried"


@dataclass(slots=True)
class Progress:
    """What became of each step, in the plan's order; `why` it was not applied. `told` is called at each change.

    `finished` is what the place did at the end, `trouble` what went wrong with all of it.
    """

    plan: Plan
    told: Callable[[Step, State, str], None] = lambda _step, _state, _why: None
    states: dict[int, State] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    finished: str = ""
    trouble: str = ""

    def note(self, index: int, state: State, why: str = "") -> None:
        self.states[index] = state
        self.why.pop(index, None)
        if why:
            self.why[index] = why
        self.told(self.plan.steps[index], state, why)

    def rows(self) -> Iterator[tuple[Step, State, str]]:
        """Each step with its state and the reason."""
        for index, step in enumerate(self.plan.steps):
            yield step, self.states.get(index, "waiting"), self.why.get(index, "")

    @property
    def is_done(self) -> bool:
        """Whether all that there was to do has been done."""
        applied = all(state == "applied" for _, state, _ in self.rows())
        return applied and not self.plan.in_the_way and not self.trouble


async def apply(plan: Plan, destination: Destination, progress: Progress) -> None:
    """Carries the plan out, and reads back what the place holds then.

    One piece that is refused does not stop the others; nothing is removed once one was. Whoever cancels this finds in
    the progress how far it came.
    """
    try:
        if not await _steps(plan, destination, progress):
            return
        if any(state == "applied" for _, state, _ in progress.rows()):
            await _read_back(destination, progress)
        progress.finished = await destination.finish()
    except DeliveryError as error:
        progress.trouble = str(error)


async def _steps(plan: Plan, destination: Destination, progress: Progress) -> bool:
    """Does them; false if the place was lost on the way."""
    refused = False
    for index, step in enumerate(plan.steps):
        if step.action == "remove" and refused:
            progress.note(index, "waiting", HELD_BACK)
            continue
        progress.note(index, "begun")
        try:
            await (destination.remove(step.piece) if step.action == "remove" else destination.put(step.piece))
        except PlaceLost as error:
            progress.note(index, "failed", str(error))
            for rest in range(index + 1, len(plan.steps)):
                progress.note(rest, "waiting", NOT_TRIED)
            progress.trouble = str(error)
            return False
        except DeliveryError as error:
            refused = True
            progress.note(index, "failed", str(error))
        else:
            progress.note(index, "applied")
    return True


async def _read_back(destination: Destination, progress: Progress) -> None:
    """A place may take something and keep something else, or nothing."""
    pieces = (await destination.held()).pieces
    for index, (step, state, _) in enumerate(list(progress.rows())):
        if state == "applied" and (why := _otherwise(step, pieces)):
            progress.note(index, "failed", why)


def _otherwise(step: Step, pieces: Mapping[str, Piece]) -> str:
    present = pieces.get(step.piece.name)
    if step.action == "remove":
        return "it was taken away, and is there all the same" if present else ""
    if present is None:
        return "it was taken, and is not there"
    if difference := between(step.piece, present):
        return f"it was taken, and what is there is otherwise: {summary(difference)}"
    labels = lacking(present, step.piece)
    return f"it was taken, and has not the labels {', '.join(labels)}" if labels else ""
