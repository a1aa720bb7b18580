"""The exporter's own metrics; a registry of its own, so that nothing is global."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Everything that `/metrics/self` tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queries = Counter(
            "tocsin_exporter_queries_total", "Steps of a query that were read, scored and published.", ["query"],
            registry=self.registry,
        )  # fmt: skip
        self.failures = Counter(
            "tocsin_query_failures_total", "Steps of a query that brought nothing, by reason.", ["query", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self.series = self._gauge("series", "Series with a fresh score.", "query")
        self.rules = self._gauge(
            "rules", "Alert rules, by why they are not simulated; an empty reason: they are.", "reason"
        )
        self.rule_failures = Counter(
            "tocsin_exporter_rule_failures_total", "Attempts to read the alert rules that failed.", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        self.left_out = self._gauge("series_left_out", "Series that are not published.", "query", "reason")
        self.last_success = self._gauge("last_success_timestamp_seconds", "When a query last succeeded.", "query")
        self.read_seconds = self._seconds("read_seconds", "Time from asking Prometheus to having the values.")
        self.score_seconds = self._seconds("score_seconds", "Time from having the values to the published snapshot.")
        self.state_bytes = self._gauge("state_bytes", "Size of a query's kept state.", "query")
        self.state_saved = self._gauge("state_timestamp_seconds", "The newest step in a query's kept state.", "query")
        self.state_seconds = self._seconds("state_save_seconds", "How long scoring waited for a state to be saved.")
        self.state_problems = Counter(
            "tocsin_exporter_state_problems_total", "States that could not be kept or taken up again, by reason.",
            ["query", "reason"], registry=self.registry,
        )  # fmt: skip
        self.fits = Counter(
            "tocsin_exporter_fits_total", "Fits of sktime models, by outcome.", ["query", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.accuracy = self._about_models("accuracy", "1 - the next step's error / that of yesterday's value.")
        self.coverage = self._about_models("coverage", "Share of values inside what was forecast.", "horizon")
        self.alarms = self._about_models("alarms_per_series_month", "Events reported, for each series and 30 days.")
        self.drifts = Counter(
            "tocsin_drift_detections_total", "Series whose model was found not to fit any more, by kind.",
            ["query", "kind"], registry=self.registry,
        )  # fmt: skip
        self.promotions = Counter(
            "tocsin_model_promotions_total", "How often a model took over from the other one.", ["query", "model"],
            registry=self.registry,
        )  # fmt: skip

    def forget(self, query: str) -> None:
        """Takes a query's series away, once nobody asks it any more."""
        steps = (self.queries, self.failures, self.series, self.left_out, self.last_success)
        states = (self.state_bytes, self.state_saved, self.state_problems, self.fits)
        seconds = (self.read_seconds, self.score_seconds, self.state_seconds)
        models = (self.accuracy, self.coverage, self.alarms, self.drifts, self.promotions)
        for metric in (*steps, *states, *seconds, *models):
            metric.remove_by_labels({"query": query})

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"tocsin_exporter_{name}", help_text, labels, registry=self.registry)

    def _about_models(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"tocsin_model_{name}", help_text, ["query", *labels], registry=self.registry)

    def _seconds(self, name: str, help_text: str) -> Histogram:
        return Histogram(f"tocsin_exporter_{name}", help_text, ["query"], buckets=SECONDS, registry=self.registry)
