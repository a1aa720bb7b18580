"""Why a point scored as it did, in figures: what was expected and by whom, which evidence counted, who was heard."""

from __future__ import annotations

import asyncio
import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exporter import calibration as tails
from exporter.explaining.meaning import PIECES_MEAN, VIEWS_MEAN, meaning
from exporter.feedback.ear import Overhearing
from exporter.feedback.lessons import Evidence
from exporter.feedback.teaching import score_with
from exporter.feedback.verdict import Verdict, shown
from exporter.frame import Floats, Frame
from exporter.model import Scores
from exporter.models import learning, profiles, spread
from exporter.models.evidence import PIECES, WEIGHTS
from exporter.models.moment import HOUR, Moment
from exporter.models.seasonal import SHIFT_HOURS, Seasonal
from exporter.models.state import SeasonalState
from exporter.replaying.asking import Ask, show_time
from exporter.replaying.desk import Case, Desk
from exporter.replaying.replay import split
from tocsin.errors import UsageError

Figures = Mapping[str, Any]

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
        own = [one for one in verdicts if (one.query, one.key) == (query.name, case.keys[0])]
        return await asyncio.to_thread(figures, case, until, own)


def figures(case: Case, at: float | None, verdicts: Sequence[Verdict] = ()) -> Figures:
    """The figures of a case's point, its newest one if `at` is None.

    Raises:
        UsageError: the series has no value then.
    """
    before, rest = split(case.frame, case.span.start)
    there = np.flatnonzero(np.isfinite(rest.values[0]))
    column = round((at - rest.start) / rest.step) if at is not None else int(there[-1]) if len(there) else -1
    if column not in there:
        raise UsageError("the series has no value at that time: name one that /plot shows")
    earlier, point = _columns(rest, 0, column), _columns(rest, column, column + 1)
    model = case.model
    state, _ = model.update(model.fit(before), earlier)
    if not isinstance(model, Seasonal):
        _, scores = model.update(state, point)
        return _common(case, point, scores)
    return _seasonal(case, model, state, point, verdicts)


def _columns(frame: Frame, first: int, after: int) -> Frame:
    return Frame(frame.values[:, first:after], frame.labels, frame.start + first * frame.step, frame.step)


def _common(case: Case, point: Frame, scores: Scores) -> dict[str, Any]:
    """What every model tells."""
    value, score = float(point.values[0, 0]), float(scores.score[0, 0])
    expected, lower, upper = (float(band[0, 0]) for band in (scores.expected, scores.lower, scores.upper))
    return {
        "query": case.query.name,
        "expr": case.query.expr,
        "labels": dict(case.keys[0]),
        "at": show_time(point.start),
        "step_seconds": point.step,
        "value": number(value),
        "expected": number(expected),
        "lower": number(lower),
        "upper": number(upper),
        "deviation": number(value - expected),
        "score": number(score),
        "anomalous": score > 1.0,
        "event": bool(scores.event[0, 0] > 1.0),
        "false_alarms_per_month": case.query.false_alarms_per_month,
    }


def _seasonal(case: Case, model: Seasonal, state: SeasonalState, point: Frame, verdicts: Sequence[Verdict]) -> Figures:
    """What the default model tells besides; the state is that before the point."""
    elapsed = min(max(point.start - state.last, 0.0), 3.0 * state.step) or state.step
    moment = model.calendar.at(point.start, point.step if math.isnan(state.last) else elapsed)
    views = _views(model, state, moment)
    wanted = tails.bars(state.calibration, point.step, model.interest.false_alarms_per_month, model.interest.report)
    suspect = float(state.calibration.run[0])
    heard = Overhearing(model.ear)
    model.ear = heard
    usual_spread = copy.deepcopy(state.spread)
    state, scores = model.update(state, point)
    evidence = heard.columns[0]
    usual = float(spread.usual(usual_spread, moment, scores.expected[:, 0])[0])
    off = float(point.values[0, 0] - scores.expected[0, 0])
    plain = float(np.sqrt((evidence.shares**2).sum()))
    return _common(case, point, scores) | {
        "usual_deviation": number(usual),
        "deviations": number(off / usual) if usual > 0 else None,
        "score_without_feedback": number(min(plain, tails.HIGHEST)),
        "evidence": _evidence(evidence.shares[:, 0], float(wanted.alarming[0]), point.step),
        "views": views,
        "learning": _learning(state, moment, suspect),
        "feedback": _feedback(evidence, verdicts),
    }


def _views(model: Seasonal, state: SeasonalState, moment: Moment) -> list[Figures]:
    """What each view of the model expected, and its part in the whole, the largest first (`profiles.blend`)."""
    known = copy.deepcopy(state.profiles)
    if not math.isnan(state.last):
        learning.end_visits(known, model.calendar.at(state.last, state.step), moment)
    views, wrong = profiles.views(known, profiles.bare(known, moment))[:, 0], profiles.errors(known, moment)[:, 0]
    there = np.isfinite(views)
    wrong = np.where(np.isfinite(wrong), wrong, 1.0) + 1e-12 * np.abs(np.where(there, views, 0.0)) + 1e-300
    best = wrong.min(where=there, initial=1e300)
    weights = (best / np.where(there, wrong, np.inf)) ** profiles.SHARPNESS
    parts = weights / max(weights.sum(), 1e-300)
    found: list[dict[str, Any]] = [
        {"view": name, "meaning": words, "expected": number(float(views[place])), "part": round(float(parts[place]), 4)}
        for place, (name, words) in enumerate(VIEWS_MEAN.items())
        if there[place]
    ]
    return sorted(found, key=lambda view: -view["part"])


def _evidence(shares: Floats, alarming: float, step: float) -> list[Figures]:
    """Each piece's part in the score and how rare it is in this series, the largest first."""
    total = max(float((shares**2).sum()), 1e-300)
    found: list[dict[str, Any]] = []
    for place, piece in enumerate(PIECES):
        share = float(shares[place])
        rare = abs(share) * alarming / float(WEIGHTS[place, 0])
        found.append({
            "piece": piece,
            "meaning": meaning(piece, step),
            "direction": ("up" if share > 0 else "down") if PIECES_MEAN.get(piece, ("", False))[1] and share else "",
            "score_alone": round(abs(share), 4),
            "part": round(share**2 / total, 4),
            "once_in_points": number(min(math.exp(min(rare, 100.0)), RAREST)),
        })  # fmt: skip
    return sorted(found, key=lambda one: -one["part"])


def _learning(state: SeasonalState, moment: Moment, suspect: float) -> Figures:
    """How much the point teaches; `suspect_steps` are those in a row that were unusual, this one included."""
    calibration, run = state.calibration, float(state.calibration.run[0])
    hours = suspect * moment.seconds / HOUR
    return {
        "values_seen": int(calibration.seen[0]),
        "suspect_steps": int(run),
        "tail_teaching": round((tails.RUN / (tails.RUN + run)) ** 2, 4),
        "new_normal": round(min(max((hours - SHIFT_HOURS) / (3.0 * SHIFT_HOURS), 0.0), 1.0), 4),
        "caution": round(1.0 + tails.WARM * math.exp(-float(calibration.seen[0] - 1.0) / tails.WARM_STEPS), 4),
    }


def _feedback(evidence: Evidence, verdicts: Sequence[Verdict]) -> list[Figures]:
    """The verdicts on the series; `changes` is what the score would be without each, less what it is."""
    whole = score_with(verdicts, evidence)
    found: list[Figures] = []
    for place, one in enumerate(verdicts):
        without = score_with([*verdicts[:place], *verdicts[place + 1 :]], evidence)
        found.append(shown(one) | {"changes": number(round(whole - without, 6))})
    return found


def number(value: float) -> float | None:
    """Six digits; None where there is none."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
