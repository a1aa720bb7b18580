"""Which model a query gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog

from exporter.config import ModelSettings, QuerySettings
from exporter.fitting import Workers
from exporter.metrics import Metrics
from exporter.model import Model
from exporter.models.contest import Contest, Promotion
from exporter.models.hearing import Ear
from exporter.models.interest import Interest
from exporter.models.seasonal import Seasonal

if TYPE_CHECKING:
    from exporter.models.sktime_detections import SktimeDetections
    from exporter.models.sktime_forecasts import SktimeForecasts

EarOf = Callable[[Sequence[str]], Ear | None]

log = structlog.get_logger("exporter.models")


def deaf(pieces: Sequence[str]) -> None:
    """Nobody's word is heard."""


def chosen(
    query: QuerySettings, default: Seasonal, workers: Workers, metrics: Metrics, ear_of: EarOf = deaf
) -> Model[Any]:
    """The model that a query names; `default` as the query wants it is what it gets without a name.

    `ear_of` gives a model of sktime what people have said, by its pieces of evidence.
    """
    champion = _one(query, query.model, default, workers, metrics, ear_of)
    if query.challenger is None:
        return champion
    challenger = _one(query, query.challenger, default, workers, metrics, ear_of)
    names = (query.model.sktime or "default", query.challenger.sktime or "default")
    trial = query.trial.total_seconds()
    for name in names:
        metrics.promotions.labels(query.name, name)

    def promoted(promotion: Promotion) -> None:
        metrics.promotions.labels(query.name, promotion.model).inc()
        log.info("a model is promoted", query=query.name, **asdict(promotion))

    return Contest(champion, challenger, names, trial, promoted)


def _one(
    query: QuerySettings,
    named: ModelSettings,
    default: Seasonal,
    workers: Workers,
    metrics: Metrics,
    ear_of: EarOf,
) -> Model[Any]:
    if not named.sktime:
        return default
    model = of_sktime(query, named, default.interest, workers, Told(query.name, named.sktime, metrics))
    model.ear = ear_of(model.pieces)
    return model


def of_sktime(
    query: QuerySettings, named: ModelSettings, interest: Interest, workers: Workers, told: Told
) -> SktimeDetections | SktimeForecasts:
    """A forecaster or a detector of sktime as a model."""
    from exporter.models.sktime_detections import SktimeDetections
    from exporter.models.sktime_forecasts import SktimeForecasts
    from exporter.models.sktime_names import kind_of
    from exporter.models.sktime_schedule import Plan
    from exporter.models.sktime_work import Spec

    step, spec = query.step.total_seconds(), Spec(named.sktime, named.params)
    if kind_of(named.sktime) == "detector":
        return SktimeDetections(spec, step, named.window.total_seconds(), workers, interest, told)
    plan = Plan(
        step,
        window=named.window.total_seconds(),
        refit=named.refit.total_seconds(),
        update=named.update.total_seconds(),
        longest=max((horizon.total_seconds() for horizon in query.horizons), default=0.0),
    )
    return SktimeForecasts(spec, plan, workers, interest, told)


class Told:
    """Hears how fits went: counts them, and logs what failed once for each kind of failure."""

    def __init__(self, query: str, name: str, metrics: Metrics) -> None:
        self._query, self._name = query, name
        self._metrics = metrics
        self._said: set[str] = set()

    def __call__(self, outcome: str, message: str) -> None:
        self._metrics.fits.labels(self._query, outcome).inc()
        kind = message.split(":", maxsplit=1)[0]
        if outcome == "failed" and kind not in self._said:
            self._said.add(kind)
            consequence = "series without a fit are expected to stay at their last value"
            log.warning("a fit failed", query=self._query, model=self._name, message=message, consequence=consequence)
