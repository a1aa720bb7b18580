"""The score: what every query publishes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exporter.publishing.samples import Samples, Step

SCORE = "tocsin_anomaly_score"
FAMILIES = {SCORE: "How unusual the newest value of a series is; above 1 is anomalous."}


def scores(step: Step[Any]) -> Iterator[Samples]:
    """The newest score of each series."""
    yield Samples(SCORE, step.scores.score[:, -1])
