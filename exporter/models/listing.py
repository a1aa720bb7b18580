"""What models there are, what each needs, and what it costs on this machine."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from exporter.frame import Floats, Frame
from exporter.models.seasonal import Seasonal
from exporter.models.sktime_names import Refused, install, kind_of, missing, modules, named
from exporter.models.sktime_work import Spec, Work, detect, learn

STEP_SECONDS = 300.0
DAY_STEPS = 288
SERIES = 500  # of the default model, which is measured as it is used: many at once
LEADS = np.arange(1, 25, dtype=np.int64)
USUAL = (  # those that are measured unless others are named
    "NaiveForecaster", "ExponentialSmoothing", "ThetaForecaster", "ARIMA", "StatsForecastAutoETS",
    "StatsForecastAutoTheta", "Prophet", "HampelDetector",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """One model. Costs are seconds for one series; None: not measured. `missing` is how to install what it needs."""

    name: str
    kind: str
    missing: str = ""
    fit_seconds: float | None = None
    update_seconds: float | None = None
    problem: str = ""


def listed() -> Iterator[Listed]:
    """Every model, by name, and what is missing for it; nothing is measured, but all of sktime is imported."""
    yield Listed("default", "forecaster")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(modules()):
            without = missing(named(name))
            yield Listed(name, kind_of(name), install(without) if without else "")


def measured(names: Iterable[str], values: int) -> Iterator[Listed]:
    """What each costs for a series of so many values.

    Raises:
        Refused: there is none of a name.
    """
    series = _series(values + 1)
    for name in names:
        yield _default(series) if name == "default" else _of_sktime(name, series)


def _series(values: int) -> Floats:
    """A daily curve with noise, the same each time."""
    when = np.arange(values)
    return 100 + 40 * np.sin(2 * np.pi * when / DAY_STEPS) + np.random.default_rng(1).normal(0, 4, values)


def _default(series: Floats) -> Listed:
    many, labels = np.repeat(series[None], SERIES, axis=0), [{"series": str(row)} for row in range(SERIES)]
    model, began = Seasonal(), time.perf_counter()
    state = model.fit(Frame(many[:, :-1], labels, 0.0, STEP_SECONDS))
    fitted = time.perf_counter()
    model.update(state, Frame(many[:, -1:], labels, STEP_SECONDS * (len(series) - 1), STEP_SECONDS))
    done = time.perf_counter()
    return Listed("default", "forecaster", "", (fitted - began) / SERIES, (done - fitted) / SERIES)


def _of_sktime(name: str, series: Floats) -> Listed:
    kind, spec = kind_of(name), Spec(name)
    work = Work(spec, series[:-1], 0.0, STEP_SECONDS, LEADS)
    try:
        if kind == "detector":
            detect(work)  # the first time imports
            began = time.perf_counter()
            detect(work)
            return Listed(name, kind, "", None, time.perf_counter() - began)
        learn(Work(spec, series[:DAY_STEPS], 0.0, STEP_SECONDS, LEADS))
        path = learn(work)
        if path.known is None:
            return Listed(name, kind, "", path.seconds, None)
        again = learn(Work(spec, series[-1:], STEP_SECONDS * (len(series) - 1), STEP_SECONDS, LEADS, path.known))
    except Refused as refused:
        return Listed(name, kind, refused.hint, problem=str(refused))
    except Exception as error:  # noqa: BLE001 - whatever an estimator raises: the others are measured all the same
        return Listed(name, kind, "", problem=f"{type(error).__name__}: {error}")
    return Listed(name, kind, "", path.seconds, again.seconds)


def as_rows(found: Sequence[Listed]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def as_text(found: Sequence[Listed]) -> str:
    """A table for people."""
    width = max((len(one.name) for one in found), default=0)
    lines = [f"{'model':{width}}  kind        fit        update     remarks"]
    for one in found:
        costs = "  ".join(f"{_cost(seconds):9}" for seconds in (one.fit_seconds, one.update_seconds))
        lines.append(f"{one.name:{width}}  {one.kind:10}  {costs}  {one.problem or one.missing}".rstrip())
    return "\n".join(lines)


def _cost(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
