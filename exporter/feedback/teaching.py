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
from exporter.frame import Bools, Floats
from exporter.models.evidence import PIECES
from exporter.models.hearing import model_of_piece, voices
from exporter.replaying.asking import Ask
from exporter.replaying.desk import Case, Desk
from exporter.replaying.kin import with_kin
from exporter.replaying.replay import split
from tocsin.errors import UsageError

BEFORE_STEPS, AFTER_STEPS = 288, 36  # of the event that a point belongs to
NEAR_STEPS = 2  # an anomaly's strongest moment lies so near
GAP_STEPS = 3  # so many steps below 1 do not end an event
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """A series' evidence around a point by `pieces`, (pieces, columns), and its scores without feedback, (columns,)."""

    evidence: Evidence
    scores: Floats
    column: int  # of the point
    pieces: Sequence[str] = PIECES


async def teach(desk: Desk, ask: Ask, word: Word, *, note: str, by: str, at: float | None = None) -> Verdict:
    """Reads the point's history and makes a verdict of what is said about it.

    Raises:
        UsageError: there is no such series, or no value at that time.
        QueryError: Prometheus brings nothing.
    """
    query, _ = desk.source(ask.query)
    step = query.step.total_seconds()
    moment = round((desk.now() if at is None else at) / step) * step
    around = Ask(ask.query, ask.matchers, BEFORE_STEPS * step, moment + AFTER_STEPS * step)
    async with desk.turn():
        case = await with_kin(desk, await desk.case(around, most=1))
        points = await asyncio.to_thread(look, case, moment if at is not None else case.span.end)
    moment = case.span.end if at is None else moment
    said = Said(query.name, case.keys[0], moment, word, note, by, desk.now())
    score = float(points[0].scores[points[0].column])
    return said.verdict_on(about(points, word), round(score, 3))


def look(case: Case, at: float) -> list[Point]:
    """Plays a case and notes the evidence of its first series: of each of its models, that of the one that leads first.

    Raises:
        UsageError: there is no value at that time.
    """
    before, shown = split(case.frame, case.span.start)
    column = round((at - shown.start) / shown.step)
    if not 0 <= column < shown.steps or not np.isfinite(shown.values[0, column]):
        raise UsageError("the series has no value at that time: name one that /plot shows")
    state = case.model.fit(before)
    heard = {}
    for voice in voices(case.model, state):
        heard[voice.name] = voice.model.ear = Overhearing()
    state, _ = case.model.update(state, shown)
    there = np.isfinite(shown.values[0])
    return [_point(heard[voice.name], there, column, voice.model.pieces) for voice in voices(case.model, state)]


def _point(heard: Overhearing, there: Bools, column: int, pieces: Sequence[str]) -> Point:
    shares, sizes = (
        np.where(there, np.concatenate([getattr(each, part)[:, :1] for each in heard.columns], axis=1), 0.0)
        for part in ("shares", "sizes")
    )
    return Point(Evidence(shares, sizes), np.sqrt((shares**2).sum(axis=0)), column, pieces)


def about(points: Sequence[Point], word: Word) -> About:
    """The evidence that a verdict carries: of the whole event if it is *normal*, else of the strongest moment near.

    That of each model, the one that leads first; the strength is that model's.
    """
    each = [_about(point, word) for point in points]

    def together(part: str) -> Mapping[str, float]:
        return {piece: value for one in reversed(each) for piece, value in getattr(one, part).items()}

    return About(
        shares=together("shares"),
        sizes=together("sizes"),
        highest=together("highest"),
        lowest=together("lowest"),
        strength=each[0].strength,
        model=each[0].model,
    )


def _about(point: Point, word: Word) -> About:
    near = slice(max(point.column - NEAR_STEPS, 0), point.column + NEAR_STEPS + 1)
    run = event_around(point) if word == "normal" else near
    strongest = run.start + int(np.argmax(point.scores[run]))
    shares, sizes = point.evidence.shares, point.evidence.sizes
    return About(
        shares=_named(point.pieces, shares[:, strongest]),
        sizes=_named(point.pieces, sizes[:, strongest]),
        highest=_named(point.pieces, np.maximum(sizes[:, run].max(axis=1), 0.0)),
        lowest=_named(point.pieces, np.minimum(sizes[:, run].min(axis=1), 0.0)),
        strength=min(round(float(point.scores[strongest]), DIGITS), LARGEST),
        model=model_of_piece(point.pieces[0]),
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


def score_with(verdicts: Sequence[Verdict], evidence: Evidence, pieces: Sequence[str] = PIECES) -> float:
    """What the evidence of one series scores with the verdicts on it; `pieces` name it."""
    return float(Lessons.of([(0, one) for one in verdicts], pieces).score(evidence)[0])


def added(verdict: Verdict, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """A verdict as it is shown to whoever said it, with what its evidence scores now that it is among `verdicts`."""
    same = [one for one in verdicts if (one.query, one.key) == (verdict.query, verdict.key)]
    return shown(verdict) | {"score_now": round(own_score(verdict, same), 3)}


def own_score(verdict: Verdict, verdicts: Sequence[Verdict]) -> float:
    """What a verdict's own evidence scores with those in force: below 1 where it says normal, above where it can."""
    named = {piece for one in (verdict, *verdicts) for part in (one.shares, one.highest, one.lowest) for piece in part}
    pieces = sorted(piece for piece in named if model_of_piece(piece) == verdict.model)
    shares, sizes = (
        np.array([[vector.get(piece, 0.0)] for piece in pieces]).reshape(-1, 1)
        for vector in (verdict.shares, verdict.sizes)
    )
    return score_with(verdicts, Evidence(shares, sizes), pieces)


def _named(pieces: Sequence[str], vector: Floats) -> Mapping[str, float]:
    """Each piece by its name, with some digits: nothing else is worth keeping."""
    kept = np.clip(np.round(vector, DIGITS), -LARGEST, LARGEST).tolist()
    return {piece: value for piece, value in zip(pieces, kept, strict=True) if value}
