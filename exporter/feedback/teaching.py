"""From what somebody says of a point to a verdict that carries its evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exporter.feedback.ear import Overhearing
from exporter.feedback.lessons import Evidence, Lessons
from exporter.feedback.verdict import LARGEST, About, Said, Verdict, Word, shown
from exporter.frame import Floats
from exporter.models.evidence import PIECES
from exporter.models.seasonal import Seasonal
from exporter.replaying.asking import Ask
from exporter.replaying.desk import Case, Desk
from exporter.replaying.replay import split
from tocsin.errors import UsageError

BEFORE_STEPS, AFTER_STEPS = 288, 36  # of the event that a point belongs to
NEAR_STEPS = 2  # an anomaly's strongest moment lies so near
GAP_STEPS = 3  # so many steps below 1 do not end an event
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """A series' evidence around a point, (pieces, columns), and its scores without feedback, (columns,)."""

    evidence: Evidence
    scores: Floats
    column: int  # of the point


async def teach(desk: Desk, ask: Ask, word: Word, *, note: str, by: str, at: float | None = None) -> Verdict:
    """Reads the point's history and makes a verdict of what is said about it.

    Raises:
        UsageError: there is no such series, or no value at that time, or the query's model cannot be taught.
        QueryError: Prometheus brings nothing.
    """
    query, _ = desk.source(ask.query)
    if not isinstance(desk.model(query), Seasonal):
        raise UsageError(f"{query.name}: feedback teaches the default model only; this query has another one")
    step = query.step.total_seconds()
    moment = round((desk.now() if at is None else at) / step) * step
    around = Ask(ask.query, ask.matchers, BEFORE_STEPS * step, moment + AFTER_STEPS * step)
    async with desk.turn():
        case = await desk.case(around, most=1)
        point = await asyncio.to_thread(look, case, moment if at is not None else case.span.end)
    moment = case.span.end if at is None else moment
    said = Said(query.name, case.keys[0], moment, word, note, by, desk.now())
    score = float(point.scores[point.column])
    return said.verdict_on(about(point, word), round(score, 3))


def look(case: Case, at: float) -> Point:
    """Plays a case of one series and notes the evidence.

    Raises:
        UsageError: there is no value at that time.
    """
    model = case.model
    assert isinstance(model, Seasonal)
    before, shown = split(case.frame, case.span.start)
    column = round((at - shown.start) / shown.step)
    if not 0 <= column < shown.steps or not np.isfinite(shown.values[0, column]):
        raise UsageError("the series has no value at that time: name one that /plot shows")
    state = model.fit(before)
    heard = Overhearing()
    model.ear = heard
    model.update(state, shown)
    there = np.isfinite(shown.values[0])
    shares, sizes = (
        np.where(there, np.concatenate([getattr(each, part) for each in heard.columns], axis=1), 0.0)
        for part in ("shares", "sizes")
    )
    return Point(Evidence(shares, sizes), np.sqrt((shares**2).sum(axis=0)), column)


def about(point: Point, word: Word) -> About:
    """The evidence that a verdict carries: of the whole event if it is *normal*, else of the strongest moment near."""
    near = slice(max(point.column - NEAR_STEPS, 0), point.column + NEAR_STEPS + 1)
    run = event_around(point) if word == "normal" else near
    strongest = run.start + int(np.argmax(point.scores[run]))
    return About(
        shares=_named(point.evidence.shares[:, strongest]),
        sizes=_named(point.evidence.sizes[:, strongest]),
        highest=_named(np.maximum(point.evidence.sizes[:, run].max(axis=1), 0.0)),
        lowest=_named(np.minimum(point.evidence.sizes[:, run].min(axis=1), 0.0)),
        strength=min(round(float(point.scores[strongest]), DIGITS), LARGEST),
    )


def event_around(point: Point) -> slice:
    """The columns of the event that a point belongs to; the point alone where it scores 1 or less."""
    high = point.scores > 1.0
    first = last = point.column
    if high[point.column]:
        for column in range(point.column, -1, -1):
            if not high[max(column - GAP_STEPS, 0) : column + 1].any():
                break
            first = column if high[column] else first
        for column in range(point.column, len(high)):
            if not high[column : column + GAP_STEPS + 1].any():
                break
            last = column if high[column] else last
    return slice(first, last + 1)


def score_with(verdicts: Sequence[Verdict], evidence: Evidence) -> float:
    """What the evidence of one series scores with the verdicts on it."""
    return float(Lessons.of([(0, one) for one in verdicts], PIECES).score(evidence)[0])


def added(verdict: Verdict, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """A verdict as it is shown to whoever said it, with what its evidence scores now that it is among `verdicts`."""
    same = [one for one in verdicts if (one.query, one.key) == (verdict.query, verdict.key)]
    return shown(verdict) | {"score_now": round(own_score(verdict, same), 3)}


def own_score(verdict: Verdict, verdicts: Sequence[Verdict]) -> float:
    """What a verdict's own evidence scores with those in force: below 1 where it says normal, above where it can."""
    shares, sizes = (
        np.array([[vector.get(piece, 0.0)] for piece in PIECES]) for vector in (verdict.shares, verdict.sizes)
    )
    return score_with(verdicts, Evidence(shares, sizes))


def _named(vector: Floats) -> Mapping[str, float]:
    """Each piece by its name, with some digits: nothing else is worth keeping."""
    kept = np.clip(np.round(vector, DIGITS), -LARGEST, LARGEST).tolist()
    return {piece: value for piece, value in zip(PIECES, kept, strict=True) if value}
