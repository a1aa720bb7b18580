"""Why a point scored as it did, in figures: what was expected and by whom, which evidence counted, who was heard."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from exporter import calibration as tails
from exporter import telling
from exporter.calibration import Calibration
from exporter.explaining.meaning import meaning, signed
from exporter.explaining.numbers import Figures, number
from exporter.explaining.own import learned, own_before
from exporter.feedback.ear import Overhearing
from exporter.feedback.lessons import Evidence
from exporter.feedback.teaching import score_with
from exporter.feedback.verdict import Verdict, shown
from exporter.frame import Floats, Frame
from exporter.model import Scores
from exporter.models.hearing import Listens, Voice, voices
from exporter.replaying.asking import Ask, show_time
from exporter.replaying.desk import Case, Desk
from exporter.replaying.kin import with_kin
from exporter.replaying.replay import split
from tocsin.errors import UsageError

EARLIER_STEPS = 72  # are scored before the point, so that what lasts is seen to last
RAREST = 1e12  # no piece of evidence is told to be rarer than once in so many points


async def explain(desk: Desk, ask: Ask, verdicts: Sequence[Verdict]) -> Figures:
    """The figures of a point: `until` of the question, or the newest one.

    Raises:
        UsageError: there is no such series, or no value at that time.
        QueryError: Prometheus brings nothing.
    """
    query, _ = desk.source(ask.query)
    step = query.step.total_seconds()
    until = None if ask.until is None else round(ask.until / step) * step
    async with desk.turn():
        case = await desk.case(Ask(ask.query, ask.matchers, EARLIER_STEPS * step, until), most=1)
        case = await with_kin(desk, case)
        own = [one for one in verdicts if (one.query, one.key) == (query.name, case.keys[0])]
        return await asyncio.to_thread(figures, case, until, own)


def figures(case: Case, at: float | None, verdicts: Sequence[Verdict] = ()) -> Figures:
    """The figures of a point of a case's first series, its newest one if `at` is None.

    Raises:
        UsageError: the series has no value then.
    """
    before, rest = split(case.frame, case.span.start)
    there = np.flatnonzero(np.isfinite(rest.values[0]))
    column = round((at - rest.start) / rest.step) if at is not None else int(there[-1]) if len(there) else -1
    if column not in there:
        raise UsageError("the series has no value at that time: name one that /plot shows")
    earlier, point = _columns(rest, 0, column), _columns(rest, column, column + 1)
    state, _ = case.model.update(case.model.fit(before), earlier)
    told = [_told(case, voice, point, verdicts) for voice in voices(case.model, state)]
    return told[0] if len(told) == 1 else {**told[0], "models": told[0]["models"] + told[1]["models"]}


def _columns(frame: Frame, first: int, after: int) -> Frame:
    return Frame(frame.values[:, first:after], frame.labels, frame.start + first * frame.step, frame.step)


def _told(case: Case, voice: Voice, point: Frame, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What one of the models tells; its state is that before the point."""
    model, state = voice.model, voice.state
    if not isinstance(model, Listens):
        return _common(case, voice, point, model.update(state, point)[1])
    calibration, interest = model.tails(state), model.interest
    wanted = tails.bars(calibration, point.step, interest.false_alarms_per_month, interest.report)
    alarming, limit = (
        float(one[0]) for one in (wanted.alarming, tails.limit(calibration, 0, model.weights[0], wanted.alarming))
    )
    tail, rule, own = _tails(calibration, model.pieces), _event_rule(calibration), own_before(model, state, point)
    model.ear = heard = Overhearing(model.ear)
    state, scores = voice.model.update(state, point)
    evidence, found = heard.columns[0], _common(case, voice, point, scores)
    evidence = Evidence(evidence.shares[:, :1], evidence.sizes[:, :1])
    usual = own.pop("usual_deviation", None) or _half(scores) / limit
    plain = float(np.sqrt((evidence.shares**2).sum()))
    return found | {
        "usual_deviation": number(usual),
        "deviations": number((found["deviation"] or 0.0) / usual) if usual > 0 else None,
        "score_without_feedback": number(min(plain, tails.HIGHEST)),
        "evidence": _evidence(model, evidence.shares[:, 0], alarming, tail, point.step),
        "event_rule": rule,
        **own,
        **({"learning": own["learning"] | learned(state)} if "learning" in own else {}),
        "feedback": _feedback(evidence, verdicts, model.pieces),
    }  # fmt: skip


def _half(scores: Scores) -> float:
    """Half the band's width, of the side that no bound of the value cuts off; NaN where there is no band."""
    expected, lower, upper = (float(band[0, 0]) for band in (scores.expected, scores.lower, scores.upper))
    return max(upper - expected, expected - lower)


def _common(case: Case, voice: Voice, point: Frame, scores: Scores) -> dict[str, Any]:
    """What every model tells."""
    value, score = float(point.values[0, 0]), float(scores.score[0, 0])
    expected, lower, upper = (float(band[0, 0]) for band in (scores.expected, scores.lower, scores.upper))
    said = {
        "expected": number(expected),
        "lower": number(lower),
        "upper": number(upper),
        "deviation": number(value - expected),
        "score": number(score),
        "anomalous": score > 1.0,
        "event": bool(scores.event[0, 0] > 1.0),
    }
    error = None if voice.error is None else number(voice.error)
    return {
        "query": case.query.name,
        "expr": case.query.expr,
        "labels": dict(case.keys[0]),
        "at": show_time(point.start),
        "step_seconds": point.step,
        "model": voice.name,
        "value": number(value),
        **said,
        "false_alarms_per_month": case.query.false_alarms_per_month,
        "models": [{"model": voice.name, "champion": voice.leads, "mean_error": error, **said}],
    }


def _tails(calibration: Calibration, pieces: Sequence[str]) -> list[Figures]:
    """From which size on each piece is in its tail, and how heavy that is."""
    index = np.maximum(calibration.hill[:, 0], tails.HILL_LEAST)
    return [
        {"begins": number(float(begin)), "index": number(float(heavy))}
        for begin, heavy, _ in zip(np.exp(calibration.begin[:, 0]), index, pieces, strict=True)
    ]


def _event_rule(calibration: Calibration) -> Figures:
    """When an event is reported: at the first point above 1 after so many quiet steps."""
    lasted, since = float(calibration.lasted[0]), float(calibration.since_alarm[0])
    quiet = min(max(lasted, telling.DEAD_STEPS), telling.MOST_QUIET_STEPS)
    return {"score_above": 1.0, "quiet_steps": int(quiet), "steps_since_anomalous": int(since)}


def _evidence(
    model: Listens[Any], shares: Floats, alarming: float, tail: Sequence[Figures], step: float
) -> list[Figures]:
    """Each piece's part in the score and how rare it is in this series, the largest first."""
    total = max(float((shares**2).sum()), 1e-300)
    found: list[dict[str, Any]] = []
    for place, piece in enumerate(model.pieces):
        share = float(shares[place])
        rare = abs(share) * alarming / float(model.weights[place, 0])
        found.append({
            "piece": piece.rpartition(".")[2],
            "meaning": meaning(piece, step),
            "direction": ("up" if share > 0 else "down") if signed(piece) and share else "",
            "score_alone": round(abs(share), 4),
            "part": round(share**2 / total, 4),
            "once_in_points": number(min(math.exp(min(rare, 100.0)), RAREST)),
            "tail": tail[place],
        })  # fmt: skip
    return sorted(found, key=lambda one: -one["part"])


def _feedback(evidence: Evidence, verdicts: Sequence[Verdict], pieces: Sequence[str]) -> list[Figures]:
    """The verdicts on the series; `changes` is what the score would be without each, less what it is."""
    whole = score_with(verdicts, evidence, pieces)
    found: list[Figures] = []
    for place, one in enumerate(verdicts):
        without = score_with([*verdicts[:place], *verdicts[place + 1 :]], evidence, pieces)
        found.append(shown(one) | {"changes": number(round(whole - without, 6))})
    return found
