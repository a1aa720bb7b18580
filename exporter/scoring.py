"""Align -> score -> publish: what is made of a query's columns, whether they come live or from stored time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.labelling import OURS, Prefixes, prefixes
from exporter.model import LearnsInParts, Model
from exporter.publishing.samples import Publisher, Samples, Step, Witness
from exporter.rows import Aligned, Register, align

FORGET_STEPS = 10  # a series that was away so long, and an hour, leaves the model
FORGET_SECONDS_AT_LEAST = 3600.0

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Learned(Generic[S]):
    """What a query's steps have brought so far."""

    state: S
    register: Register
    rows: Prefixes
    last: float  # the newest column's time, Unix seconds


@dataclass(frozen=True, slots=True)
class Scored(Generic[S]):
    """What a step has brought; the publishers work while `samples` are taken, which is to be done once."""

    learned: Learned[S]
    step: Step[S]
    samples: Iterable[Samples]


class Scoring(Generic[S]):
    """A query's model and publishers. What `Learned` is handed in belongs to it: use only what comes back."""

    def __init__(
        self,
        query: QuerySettings,
        model: Model[S],
        publishers: Sequence[Publisher[S]],
        *,
        labels: Sequence[str] = (),
        witness: Witness | None = None,
    ) -> None:
        """`labels`: the names of those that the publishers' samples carry, besides `query` and `horizon`.

        `witness`: the publisher that remembers.
        """
        self.query = query
        self.model = model
        self.witness = witness
        self._publishers = publishers
        self._ours = (*OURS, *labels)
        self._forget = max(FORGET_SECONDS_AT_LEAST, FORGET_STEPS * query.step.total_seconds())
        self._watched = 0  # columns of history that the witness has seen

    @property
    def in_parts(self) -> bool:
        """Whether a long history may come part by part."""
        return isinstance(self.model, LearnsInParts)

    def teach(self, learned: Learned[S] | None, frame: Frame, end: float) -> Learned[S]:
        """Learns a part of a history that will reach up to `end` (Unix seconds)."""
        aligned = self._aligned(learned, frame)
        if learned is None and not isinstance(self.model, LearnsInParts):
            state = self.model.fit(aligned.frame)
        else:
            state = self._rearranged(learned, aligned)
            if isinstance(self.model, LearnsInParts):
                state = self.model.learn(state, aligned.frame, end)
            else:
                state, _ = self.model.update(state, aligned.frame)
        self._watch_history(aligned)
        return Learned(state, aligned.register, Prefixes(), frame.last)

    def take(self, learned: Learned[S] | None, frame: Frame) -> Scored[S]:
        """Scores a Frame; without history, the model begins with nothing but it."""
        aligned = self._aligned(learned, frame)
        state = self._rearranged(learned, aligned)
        if self.witness and learned is None:
            self.witness.begin(Frame(aligned.frame.values[:, :0], aligned.frame.labels, frame.start, frame.step))
        elif self.witness and aligned.rows is not None:
            self.witness.resize(aligned.rows)
        rows = self._called(learned, aligned)
        state, scores = self.model.update(state, aligned.frame)
        step = Step(aligned.frame, scores, state)
        samples = (samples for publisher in self._publishers for samples in publisher(step))
        return Scored(Learned(state, aligned.register, rows, frame.last), step, samples)

    def _aligned(self, learned: Learned[S] | None, frame: Frame) -> Aligned:
        return align(learned.register if learned else Register(), frame, forget_seconds=self._forget)

    def _rearranged(self, learned: Learned[S] | None, aligned: Aligned) -> S:
        """The state with a row for each series; before there is one, that of a model that has seen nothing."""
        if learned is None:
            frame = aligned.frame
            return self.model.fit(Frame(frame.values[:, :0], frame.labels, frame.start, frame.step))
        return learned.state if aligned.rows is None else self.model.resize(learned.state, aligned.rows)

    def _called(self, learned: Learned[S] | None, aligned: Aligned) -> Prefixes:
        """The rows' names as they are published; made anew only for series that came."""
        keys, before = aligned.register.keys, learned.rows if learned else Prefixes()
        if len(before.shown) != len(learned.register.keys if learned else ()):
            return prefixes(keys, self.query.name, self._ours)
        if aligned.rows is None:
            return before
        return prefixes(keys, self.query.name, self._ours, before=before, rows=aligned.rows)

    def _watch_history(self, aligned: Aligned) -> None:
        """Shows the witness a part of history; it begins anew with each, unless that tells less than one before."""
        if self.witness is None:
            return
        if aligned.rows is not None or aligned.frame.steps >= self._watched:
            self.witness.begin(aligned.frame)
            self._watched = aligned.frame.steps
