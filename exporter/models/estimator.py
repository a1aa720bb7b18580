"""The default model as an sktime forecaster, for people who compare or compose it there; imported only when wanted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from exporter.frame import Floats, Frame
from exporter.model import Forecast
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState

EPOCH_MONDAY = 4 * 86_400.0  # where an index without times begins


class TocsinForecaster(BaseForecaster):  # type: ignore[misc]  # sktime has no types
    """Robust level, day and week, with bounds of any coverage.

    Parameters
    ----------
    step_seconds : float, default=300.0
        The distance of rows where the index has no times.

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from exporter.models.estimator import TocsinForecaster
    >>> y = load_airline()
    >>> forecaster = TocsinForecaster()
    >>> forecaster.fit(y, fh=[1, 2, 3])
    TocsinForecaster(...)
    >>> y_pred = forecaster.predict()
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "tocsin",
        "python_dependencies": "numpy",
        "scitype:y": "univariate",
        "y_inner_mtype": "pd.Series",
        "capability:exogenous": False,
        "capability:missing_values": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "requires-fh-in-fit": False,
    }

    def __init__(self, step_seconds: float = 300.0) -> None:
        self.step_seconds = step_seconds
        with warnings.catch_warnings():  # sktime tells every forecaster's user of a default that will change
            warnings.filterwarnings("ignore", "The default of config", FutureWarning)
            super().__init__()

    def _fit(self, y: pd.Series, X: Any = None, fh: Any = None) -> TocsinForecaster:  # noqa: N803 - sktime's name
        self._name = y.name
        self._step = _step(y.index, self.step_seconds)
        self._model = Seasonal()
        self._learned = SeasonalState.fresh(1, self._step)
        self._take(y)
        return self

    def _update(self, y: pd.Series, X: Any = None, update_params: bool = True) -> TocsinForecaster:  # noqa: N803
        self._take(y)
        return self

    def _take(self, y: pd.Series) -> None:
        start = self._learned.last + self._step if self._learned.columns else _start(y.index)
        values = np.asarray(y, dtype=np.float64)[None]
        self._learned, _ = self._model.update(self._learned, Frame(values, ({},), start, self._step))

    def _predict(self, fh: Any, X: Any = None) -> pd.Series:  # noqa: N803
        mean = self._ahead(fh).mean[0]
        return pd.Series(mean, index=fh.to_absolute_index(self.cutoff), name=self._name)

    def _predict_interval(self, fh: Any, X: Any, coverage: Sequence[float]) -> pd.DataFrame:  # noqa: N803
        ahead, names = self._ahead(fh), [self._get_varnames()[0]]
        columns = pd.MultiIndex.from_product([names, coverage, ["lower", "upper"]])
        bounds: list[Floats] = []
        for share in coverage:
            wider = _normal_quantile(0.5 + share / 2.0) / _normal_quantile(0.95)
            bounds += [ahead.mean[0] + wider * (side[0] - ahead.mean[0]) for side in (ahead.lower, ahead.upper)]
        return pd.DataFrame(np.column_stack(bounds), index=fh.to_absolute_index(self.cutoff), columns=columns)

    def _ahead(self, fh: Any) -> Forecast:
        steps = np.asarray(fh.to_relative(self.cutoff).to_pandas(), dtype=np.int64).tolist()
        return self._model.forecast(self._learned, steps)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Parameters that sktime's own tests use."""
        return [{}, {"step_seconds": 3600.0}]


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def _step(index: pd.Index, otherwise: float) -> float:
    """Seconds from row to row."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2:
        return otherwise
    return float((index[1] - index[0]).total_seconds())


def _start(index: pd.Index) -> float:
    """The first row's time, Unix seconds."""
    first = index.to_timestamp()[0] if isinstance(index, pd.PeriodIndex) else index[0]
    return float(first.timestamp()) if isinstance(first, pd.Timestamp) else EPOCH_MONDAY
