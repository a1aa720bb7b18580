"""The checks by name. A new one is a module, an entry here, a test and a page in docs/."""

from __future__ import annotations

from collections.abc import Mapping

from generator.checks import (
    annotation_template,
    constant_comparison,
    counter_as_gauge,
    dropped_label,
    duplicate_alert,
    duplicate_record,
    experimental_function,
    for_below_interval,
    forgotten_absence,
    fragile_absent,
    gauge_as_counter,
    high_cardinality,
    invalid_name,
    metric_type,
    missing_comparison,
    missing_runbook,
    prometheus_version,
    promql_syntax,
    record_order,
    regex_equality,
    shadowed_alert,
    short_rate_window,
    unknown_series,
    unused_record,
    value_in_label,
    vector_matching,
)
from generator.context import Check, Registered
from tocsin.problem import Level


def _on(find: Check, severity: Level, about: str) -> Registered:
    return Registered(find, severity, about, online=True)


CHECKS: Mapping[str, Registered] = {
    "annotation-template": Registered(annotation_template.check, "error", "a template Prometheus refuses to load"),
    "constant-comparison": Registered(constant_comparison.check, "warning", "a comparison always or never true"),
    "counter-as-gauge": Registered(counter_as_gauge.check, "warning", "delta() and its kin on a counter"),
    "dropped-label": Registered(dropped_label.check, "warning", "an annotation names a label the expression drops"),
    "duplicate-alert": Registered(duplicate_alert.check, "error", "two alerts of the same name and labels"),
    "duplicate-record": Registered(duplicate_record.check, "warning", "two records that write the same series"),
    "experimental-function": Registered(experimental_function.check, "error", "functions behind a feature flag"),
    "for-below-interval": Registered(for_below_interval.check, "warning", "'for' shorter than the group's interval"),
    "forgotten-absence": Registered(forgotten_absence.check, "error", "'for' longer than vanished series are known"),
    "fragile-absent": Registered(fragile_absent.check, "warning", "absent() that fires at restarts, or too seldom"),
    "gauge-as-counter": Registered(gauge_as_counter.check, "warning", "rate() and its kin on a gauge"),
    "high-cardinality": _on(high_cardinality.check, "warning", "a selector that reads very many series"),
    "invalid-name": Registered(invalid_name.check, "error", "a name Prometheus below 3.0 refuses"),
    "metric-type": _on(metric_type.check, "warning", "a function that does not suit the metric's type"),
    "missing-comparison": Registered(
        missing_comparison.check, "warning", "an alert that fires as long as series exist"
    ),
    "missing-runbook": Registered(missing_runbook.check, "warning", "an alert that does not say what to do"),
    "prometheus-version": Registered(prometheus_version.check, "error", "functions and fields that are too young"),
    "promql-syntax": Registered(promql_syntax.check, "error", "an expression that Prometheus refuses"),
    "record-order": Registered(record_order.check, "warning", "a record that is read before it is written"),
    "regex-equality": Registered(regex_equality.check, "warning", "a regular expression for one text"),
    "shadowed-alert": Registered(shadowed_alert.check, "warning", "an alert that says nothing another does not"),
    "short-rate-window": Registered(short_rate_window.check, "warning", "a rate over fewer than four scrapes"),
    "unknown-series": _on(unknown_series.check, "warning", "series, labels or values that do not exist"),
    "unused-record": Registered(unused_record.check, "info", "a record that no checked rule reads", of_all=True),
    "value-in-label": Registered(value_in_label.check, "error", "a label that changes with the value"),
    "vector-matching": Registered(vector_matching.check, "warning", "sides that match never, or several to one"),
}
