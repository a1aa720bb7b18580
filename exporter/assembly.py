"""What a query gets: its model, its publishers, and the watch that joins them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exporter.breach.condition import Comparison
from exporter.breach.tracked import Tracked
from exporter.config import ExporterConfig, QuerySettings, ThresholdSettings
from exporter.feedback.ear import QueryEar
from exporter.feedback.verdict import Verdict
from exporter.fitting import Dask, Processes, Workers, need_distributed
from exporter.metrics import Metrics
from exporter.model import Model
from exporter.models.choice import chosen
from exporter.models.interest import Interest
from exporter.models.moment import Calendar
from exporter.models.seasonal import Seasonal
from exporter.publishing import breach, threshold
from exporter.publishing.breach import Breach
from exporter.publishing.drifts import Drifts
from exporter.publishing.forecasts import Forecasts
from exporter.publishing.group_scores import GroupScores
from exporter.publishing.quality import Quality
from exporter.publishing.samples import Publisher
from exporter.publishing.scores import scores
from exporter.publishing.threshold import Thresholds
from exporter.publishing.witnesses import Witnesses
from exporter.reading import Progress, ignore
from exporter.rules.derive import RuleQuery
from exporter.scoring import Scoring
from exporter.storage import Shelf
from exporter.watch import Watch
from tocsin.clock import Clock
from tocsin.promapi import Prometheus


def unseen(query: str) -> Progress:
    """Nobody looks on while a query's history is read."""
    return ignore


@dataclass(frozen=True, slots=True)
class Assembly:
    """What all watches share.

    `storage`: where state is kept, None: nowhere; `verdicts`: the feedback in force, None: nobody's is heard;
    `progress` is asked once for each query; `measured`: whether our own metrics tell how well models do.
    """

    metrics: Metrics
    clock: Clock
    workers: Workers
    storage: Path | None = None
    verdicts: Callable[[], Sequence[Verdict]] | None = None
    progress: Callable[[str], Progress] = unseen
    measured: bool = True

    def model(self, query: QuerySettings) -> Model[Any]:
        """A model that has seen nothing, as the query wants it."""
        return chosen(
            query, model_of(query, self.verdicts), self.workers, self.metrics, lambda pieces: self._ear(query, pieces)
        )

    def _ear(self, query: QuerySettings, pieces: Sequence[str]) -> QueryEar | None:
        return QueryEar(query.name, self.verdicts, pieces) if self.verdicts else None

    def watch(self, query: QuerySettings, prometheus: Prometheus) -> Watch[Any]:
        """A query's watch, with its model and the publishers that it asks for."""
        of_rule = isinstance(query, RuleQuery)
        scoring = self._of_rule(query) if isinstance(query, RuleQuery) else self.scoring(query)
        return Watch(
            scoring,
            prometheus=prometheus,
            metrics=self.metrics,
            clock=self.clock,
            progress=ignore if of_rule else self.progress(query.name),
            shelf=Shelf(self.storage, query, scoring.model, self.metrics) if self.storage else None,
        )

    def scoring(self, query: QuerySettings) -> Scoring[Any]:
        """A query's model, and the publishers that it asks for."""
        model, labels = self.model(query), list[str]()
        publishers: list[Publisher[Any]] = []
        published = query.publish or (("score", "band", "forecast") if query.horizons else ("score",))
        if "score" in published:
            publishers.append(scores)
        if "band" in published or "forecast" in published:
            horizons = query.horizons if "forecast" in published else ()
            publishers.append(Forecasts(model, query.step, horizons, now="band" in published))
        if query.thresholds:
            limits = {limit.name: comparison(limit) for limit in query.thresholds}
            publishers.append(Thresholds(model, query.step, limits, query.threshold_horizon))
            labels += threshold.LABELS
        witnesses = self._witnesses(query, model)
        publishers += witnesses.values()
        return Scoring(query, model, publishers, labels=labels, witness=Witnesses(witnesses))

    def _witnesses(self, query: QuerySettings, model: Model[Any]) -> dict[str, Any]:
        wanted, seconds = query.false_alarms_per_month, query.step.total_seconds()
        found: dict[str, Any] = {"quality": Drifts(seconds)}
        if self.measured:
            found["quality"] = Quality(query.name, query.step, query.horizons, wanted, model, self.metrics)
        if query.group:
            found["groups"] = GroupScores(query.name, query.group.by, seconds, wanted, self.workers)
        return found

    def _of_rule(self, query: RuleQuery) -> Scoring[Any]:
        model = Tracked(model_of(query), tuple(rule.condition for rule in query.rules))
        breaches = Breach(model, query.rules, query.step, query.within)
        return Scoring(query, model, [breaches], labels=breach.LABELS)


def workers_of(config: ExporterConfig) -> Workers:
    """Who does expensive work.

    Raises:
        MissingExtra: a cluster is configured, and dask.distributed is not installed.
    """
    here = Processes(config.fits.workers)
    if config.dask is None:
        return here
    need_distributed()
    return Dask(config.dask.scheduler, here)


def comparison(limit: ThresholdSettings) -> Comparison:
    """What is beyond a limit."""
    if limit.above is not None:
        return Comparison(">", limit.above)
    assert limit.below is not None  # one of them is there
    return Comparison("<", limit.below)


def model_of(query: QuerySettings, verdicts: Callable[[], Sequence[Verdict]] | None = None) -> Seasonal:
    """The default model as a query wants it, hearing the verdicts that are in force."""
    interest = Interest(
        false_alarms_per_month=query.false_alarms_per_month,
        direction=query.direction,
        least=query.least_deviation,
        least_share=query.least_share,
        bounds=(query.minimum, query.maximum),
    )
    zone = UTC if query.time_zone == "UTC" else ZoneInfo(query.time_zone)
    ear = QueryEar(query.name, verdicts) if verdicts else None
    return Seasonal(Calendar(zone, frozenset(query.holidays)), interest, ear)
