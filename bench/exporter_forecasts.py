"""How far forecasts of a day ahead lie off, and how often the truth lies within their bounds.

    python -m bench.exporter_forecasts [--seed 21] [--series 60] [--nab DIR] [--sktime]

The mean absolute error over that of the seasonal naive forecast (the same time yesterday), averaged over series, on
simulated services (bench/workload.py) and, with `--nab`, on NAB's real series; `--sktime` adds Theta and
ExponentialSmoothing with a daily season on some of the same series and origins.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import nab
from bench.workload import STEP, simulate
from exporter.frame import Floats, Frame
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState

DAY = 86_400.0
LEARNING_DAYS = 14  # before the first origin of the simulated services
LEARNING_DAYS_NAB = 5  # NAB's series are two weeks long
SKTIME_SERIES = 5
SKTIME_ORIGINS = 2
WEEK_HORIZONS = 12


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one origin: absolute errors of ours and of the naive forecast (series, steps), and whether bounds held."""

    ours: Floats
    naive: Floats
    held: Floats
    held_week: Floats


def origins(frame: Frame, first: int, every: int) -> Iterator[tuple[int, Seasonal, SeasonalState]]:
    """The model at each origin, having seen everything before it."""
    per_day = round(DAY / frame.step)
    model, state, seen = Seasonal(), SeasonalState.fresh(len(frame.values), frame.step), 0
    for origin in range(first, frame.steps - per_day + 1, every):
        part = Frame(frame.values[:, seen:origin], frame.labels, frame.start + seen * frame.step, frame.step)
        state, _ = model.update(state, part)
        seen = origin
        yield origin, model, state


def measure(frame: Frame, first: int, every: int) -> list[Errors]:
    """Errors of each origin's forecast of one day, at every step."""
    per_day = round(DAY / frame.step)
    found = []
    for origin, model, state in origins(frame, first, every):
        ahead = model.forecast(state, range(1, per_day + 1))
        truth = frame.values[:, origin : origin + per_day]
        naive = frame.values[:, origin - per_day : origin]
        horizons: list[int] = np.linspace(per_day, 7 * per_day, WEEK_HORIZONS).astype(int).tolist()
        week = [step for step in horizons if origin + step <= frame.steps]
        far, later = model.forecast(state, week), frame.values[:, [origin + step - 1 for step in week]]
        found.append(
            Errors(
                np.abs(truth - ahead.mean),
                np.abs(truth - naive),
                _held(truth, ahead.lower, ahead.upper),
                _held(later, far.lower, far.upper),
            )
        )
    return found


def _held(truth: Floats, lower: Floats, upper: Floats) -> Floats:
    return np.where(np.isfinite(truth), (lower <= truth) & (truth <= upper), np.nan)


def ratios(found: Sequence[Errors]) -> Floats:
    """Our error over the naive one, for each series where the naive one errs at all."""
    ours = np.nanmean(np.concatenate([errors.ours for errors in found], axis=1), axis=1)
    naive = np.nanmean(np.concatenate([errors.naive for errors in found], axis=1), axis=1)
    kept: Floats = ours[naive > 1e-9] / naive[naive > 1e-9]
    return kept


def _report(name: str, found: Sequence[Sequence[Errors]], seconds: float, points: int) -> None:
    each = np.concatenate([ratios(errors) for errors in found])
    all_errors = [errors for series in found for errors in series]
    spans = ((0.0, 1 / 24), (1 / 24, 0.25), (0.25, 1.0))
    parts = [[_span(errors.held, *span) for errors in all_errors] for span in spans]
    parts.append([errors.held_week for errors in all_errors])
    held = " ".join(f"{np.nanmean(np.concatenate([part.ravel() for part in span])):9.3f}" for span in parts)
    print(f"{name:32} {each.mean():8.3f} {np.median(each):8.3f} {held} {seconds / points * 1e3:14.3f}")


def _span(held: Floats, first: float, last: float) -> Floats:
    """The part between two shares of the day."""
    steps = held.shape[1]
    return held[:, round(first * steps) : round(last * steps)]


def _sktime(frame: Frame, first: int, every: int, found: Sequence[Errors], seconds: float) -> None:
    """Theta and ExponentialSmoothing on a few series, fitted anew at each of two origins, and ours on the same.

    Of those that both can forecast: Theta wants values above 0, and a series that repeats itself exactly leaves nothing
    to compare with.
    """
    import pandas as pd
    from sktime.forecasting.exp_smoothing import ExponentialSmoothing
    from sktime.forecasting.theta import ThetaForecaster

    per_day = round(DAY / frame.step)
    makers: dict[str, Callable[[], Any]] = {
        "sktime Theta": lambda: ThetaForecaster(sp=per_day),
        "sktime ExponentialSmoothing": lambda: ExponentialSmoothing(seasonal="add", sp=per_day),
    }
    repeats = np.nanmean([np.nanmean(errors.naive, axis=1) for errors in found[:SKTIME_ORIGINS]], axis=0)
    fit = np.flatnonzero((np.nanmin(frame.values, axis=1) > 0) & (repeats > 1e-9))
    rows = [int(row) for row in fit[:: max(1, len(fit) // SKTIME_SERIES)][:SKTIME_SERIES]]
    places = range(first, first + SKTIME_ORIGINS * every, every)
    naive = np.array([np.nanmean(errors.naive[rows], axis=1) for errors in found[:SKTIME_ORIGINS]]).mean(axis=0)
    ours = np.array([np.nanmean(errors.ours[rows], axis=1) for errors in found[:SKTIME_ORIGINS]]).mean(axis=0)
    _line("Tocsin, the same series", ours / naive, seconds)
    for name, make in makers.items():
        began, total = time.process_time(), np.zeros(len(rows))
        for place, row in enumerate(rows):
            values = pd.Series(frame.values[row]).interpolate(limit_direction="both").to_numpy()
            for origin in places:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    forecaster = make().fit(pd.Series(values[:origin]), fh=np.arange(1, per_day + 1))
                    ahead = forecaster.predict().to_numpy().ravel()
                total[place] += np.nanmean(np.abs(frame.values[row, origin : origin + per_day] - ahead))
        _line(name, total / len(places) / naive, (time.process_time() - began) / len(rows) / len(places))


def _line(name: str, each: Floats, seconds: float) -> None:
    print(f"{name:32} {each.mean():8.3f} {np.median(each):8.3f} {'':39} {seconds * 1e3:14.1f}")


def main() -> None:
    """Prints one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=21)
    arguments.add_argument("--series", type=int, default=60)
    arguments.add_argument("--nab", type=Path, metavar="DIR")
    arguments.add_argument("--sktime", action="store_true")
    chosen = arguments.parse_args()
    print(
        f"{'':32} {'mean':>8} {'median':>8} {'held 1h':>9} {'to 6h':>9} {'to 1d':>9} {'to 7d':>9} {'ms a forecast':>14}"
    )
    work = simulate(chosen.seed, series=chosen.series, days=35).frame
    per_day, began = round(DAY / STEP), time.process_time()
    first, every = LEARNING_DAYS * per_day, 5 * per_day + per_day // 3
    found = measure(work, first, every)
    seconds = time.process_time() - began
    _report("Tocsin, simulated services", [found], seconds, len(found) * chosen.series)
    if chosen.nab:
        files = [file for file in nab.corpus(chosen.nab) if file.folder.startswith("real")]
        began, parts = time.process_time(), []
        for file in files:
            step = float(np.median(np.diff(file.times)))
            days = round(DAY / step)
            frame = Frame(file.values[None], ({},), float(file.times[0]), step)
            if frame.steps >= (LEARNING_DAYS_NAB + 1) * days:
                parts.append(measure(frame, LEARNING_DAYS_NAB * days, days // 2))
        _report("Tocsin, NAB's real series", parts, time.process_time() - began, sum(map(len, parts)))
    if chosen.sktime:
        _sktime(work, first, every, found, seconds / len(found) / chosen.series)


if __name__ == "__main__":
    main()
