"""What a worker process does for one series: fits or updates an sktime forecaster and predicts; or asks a detector.

Everything comes in and goes out as plain data, so that the same function runs here, in a pool of processes, or on dask.
A fitted forecaster that can learn more goes out as bytes and comes back as such; bytes never touch the disk.
"""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Floats
from exporter.models.sktime_names import estimator

BY_THE_CALENDAR = ("prophet",)  # packages that must see times; others are quicker with row numbers
INTERVAL = 0.9
FLAGGED = 8.0  # evidence of a detector that says yes or no


@dataclass(frozen=True, slots=True)
class Spec:
    """An sktime estimator by name, with its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """One series to learn: values in order, the first at `start` (Unix seconds), `step` seconds apart.

    `known` is what an earlier work has brought: then `values` are only those since. `leads` are the steps ahead that
    are predicted.
    """

    spec: Spec
    values: Floats
    start: float
    step: float
    leads: NDArray[np.int64]
    known: bytes | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """What was predicted, each of shape (leads,): the mean, and half the width of the 90 % interval or NaN."""

    mean: Floats
    half: Floats
    known: bytes | None  # what `Work.known` may be next time; None: fit anew instead
    seconds: float  # of computing


def learn(work: Work) -> Path:
    """Fits or updates, then predicts.

    Raises:
        Exception: whatever the forecaster raises at these values.
    """
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence and the like, for each series
        forecaster, origin = _learned(work)
        ahead = [int(lead) for lead in work.leads]
        mean = np.asarray(forecaster.predict(fh=ahead), dtype=np.float64).reshape(-1)
        half = _half_width(forecaster, ahead)
    known = pickle.dumps((forecaster, origin)) if _can_learn_more(forecaster) else None
    return Path(mean, half, known, time.perf_counter() - began)


def _learned(work: Work) -> tuple[Any, float]:
    if work.known is not None:
        forecaster, origin = pickle.loads(work.known)  # noqa: S301 - our own process made it
        forecaster.update(_series(work, origin, forecaster), update_params=True)
        return forecaster, origin
    forecaster = estimator(work.spec.name, work.spec.params)
    forecaster.fit(_series(work, work.start, forecaster))
    return forecaster, work.start


def _series(work: Work, origin: float, forecaster: Any) -> Any:
    import pandas as pd

    values = work.values
    if not forecaster.get_tag("capability:missing_values", False, raise_error=False):
        values = filled(values)
    if any(package in type(forecaster).__module__ for package in BY_THE_CALENDAR):
        return pd.Series(values, index=_times(work))
    first = round((work.start - origin) / work.step)
    return pd.Series(values, index=pd.RangeIndex(first, first + len(values)))


def _times(work: Work) -> Any:
    import pandas as pd

    first, step = pd.Timestamp(work.start, unit="s"), pd.Timedelta(seconds=work.step)
    return pd.date_range(first, periods=len(work.values), freq=step)


def filled(values: Floats) -> Floats:
    """The values with gaps bridged by straight lines."""
    there = np.isfinite(values)
    if there.all() or not there.any():
        return values
    at = np.arange(len(values))
    return np.interp(at, at[there], values[there])


def _half_width(forecaster: Any, ahead: list[int]) -> Floats:
    unknown = np.full(len(ahead), np.nan)
    if not forecaster.get_tag("capability:pred_int", False, raise_error=False):
        return unknown
    try:
        bounds = np.asarray(forecaster.predict_interval(fh=ahead, coverage=INTERVAL), dtype=np.float64)
    except (NotImplementedError, ValueError, TypeError):
        return unknown  # some promise what they do not keep for every parameter
    half: Floats = (bounds[:, 1] - bounds[:, 0]) / 2.0
    return half


def _can_learn_more(forecaster: Any) -> bool:
    from sktime.forecasting.base import BaseForecaster

    return type(forecaster)._update is not BaseForecaster._update


def detect(work: Work) -> Floats:
    """A detector's evidence at each value, shape (values,): its score, or `FLAGGED` where it only says yes.

    Raises:
        Exception: whatever the detector raises at these values.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detector, frame = estimator(work.spec.name, work.spec.params), pd.DataFrame({"value": filled(work.values)})
        detector.fit(frame)
        inner = getattr(detector, "estimator_", None)
        if inner is not None and hasattr(inner, "decision_function"):
            # sktime's adapter of PyOD gives values where places are meant, so the detector inside is asked itself.
            return _above_usual(inner.decision_function(frame.to_numpy()))
        try:
            scores = np.asarray(detector.transform_scores(frame), dtype=np.float64).reshape(len(frame), -1)
            evidence: Floats = np.nan_to_num(np.abs(scores).max(axis=1))
        except NotImplementedError:
            evidence = np.zeros(len(frame))
            evidence[np.asarray(detector.predict_points(frame)["ilocs"], dtype=np.intp)] = FLAGGED
    return evidence


def _above_usual(scores: Any) -> Floats:
    """How far scores of any sign and origin, of which larger ones are stranger, lie above their median."""
    found = np.nan_to_num(np.asarray(scores, dtype=np.float64).reshape(-1))
    above: Floats = np.maximum(found - np.median(found), 0.0)
    return above
