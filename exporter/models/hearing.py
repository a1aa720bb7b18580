"""How a model hears what people have said of its series: between the evidence that it finds and the scores that count.

Every model judges by pieces of evidence, each by its own past (`exporter.calibration`): that is what all have in
common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from exporter.calibration import Calibration, Retell
from exporter.frame import Floats
from exporter.models.interest import Interest
from tocsin.model import Labels

# From shares of what scores 1 and sizes of the evidence, both signed, (pieces, series), and scores to those that count.
Hear = Callable[[Floats, Floats, Floats], Floats]
DEFAULT = "default"  # what the default model is called in the configuration
S_contra = TypeVar("S_contra", contravariant=True)


class Ear(Protocol):
    """Knows what people have said of series: takes their evidence as they want it taken."""

    def moved(self) -> None:
        """The series are in other rows from now on."""

    def listen(self, labels: Sequence[Labels]) -> Hear | None:
        """How the evidence of these rows is taken; None: as it is."""


@runtime_checkable
class Listens(Protocol[S_contra]):
    """A model that can be taught and explained.

    `pieces` name its evidence: those of another model than the default one begin with its name and a dot; `weights` are
    how much each is trusted, (pieces, 1).
    """

    pieces: Sequence[str]
    weights: Floats
    interest: Interest
    ear: Ear | None

    def tails(self, state: S_contra) -> Calibration:
        """What the evidence is judged by."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A model that has its say in a query, with its state; of several one leads. `error`: its mean one, of a trial."""

    name: str
    model: Any
    state: Any
    leads: bool = True
    error: float | None = None


@runtime_checkable
class Several(Protocol):
    """A model that is made of several."""

    def voices(self, state: Any) -> list[Voice]:
        """All of them, with their states."""


def voices(model: Any, state: Any) -> list[Voice]:
    """The models that have their say, the one that leads first."""
    found = model.voices(state) if isinstance(model, Several) else [Voice(name_of(model) or DEFAULT, model, state)]
    return sorted(found, key=lambda voice: not voice.leads)


def name_of(model: Any) -> str:
    """What a model's pieces begin with; empty for the default one."""
    return model.pieces[0].rpartition(".")[0] if isinstance(model, Listens) else ""


def model_of_piece(piece: str) -> str:
    """The model that a piece is evidence of; empty for the default one."""
    return piece.rpartition(".")[0]


def retelling(hear: Hear | None, signed: Floats) -> Retell | None:
    """What the calibration asks, so that evidence, (pieces, series), is heard with its sign."""
    return None if hear is None else lambda each, score: hear(np.sign(signed) * each, signed, score)
