"""What the default model alone tells of a point: who expected what, how far values usually lie off, what it learns."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from exporter import calibration as tails
from exporter.explaining.meaning import VIEWS_MEAN
from exporter.explaining.numbers import Figures, number
from exporter.frame import Frame
from exporter.models import learning, profiles, spread
from exporter.models.moment import HOUR, Moment
from exporter.models.seasonal import SHIFT_HOURS, Seasonal
from exporter.models.state import SeasonalState


def own_before(model: Any, state: Any, point: Frame) -> dict[str, Any]:
    """What the default model alone tells: who expected what, how far values usually lie off, what it learns."""
    if not isinstance(model, Seasonal):
        return {}
    elapsed = min(max(point.start - state.last, 0.0), 3.0 * state.step) or state.step
    moment = model.calendar.at(point.start, point.step if math.isnan(state.last) else elapsed)
    views = _views(model, state, moment)
    expected = np.array([sum((view["expected"] or 0.0) * view["part"] for view in views)])
    usual = float(spread.usual(state.spread, moment, expected)[0])
    taught = _learning(state, moment, float(state.calibration.run[0]))
    return {"usual_deviation": usual if math.isfinite(usual) else None, "views": views, "learning": taught}


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


def _learning(state: SeasonalState, moment: Moment, suspect: float) -> Figures:
    """What is known before the point."""
    hours = suspect * moment.seconds / HOUR
    return {
        "new_normal": round(min(max((hours - SHIFT_HOURS) / (3.0 * SHIFT_HOURS), 0.0), 1.0), 4),
        "borrowed_from": int(max(state.borrowing.lenders[0], 0.0)),
    }


def learned(state: SeasonalState) -> Figures:
    """How much the point teaches; `suspect_steps` are those in a row that were unusual, this one included."""
    calibration, run = state.calibration, float(state.calibration.run[0])
    return {
        "values_seen": int(state.profiles.seen[0]),
        "suspect_steps": int(run),
        "tail_teaching": round((tails.RUN / (tails.RUN + run)) ** 2, 4),
        "caution": round(1.0 + tails.WARM * math.exp(-float(calibration.seen[0] - 1.0) / tails.WARM_STEPS), 4),
    }
