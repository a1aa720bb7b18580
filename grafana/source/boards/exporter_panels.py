"""Panels on how the exporter does."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from grafana.source.look import Colour
from grafana.source.panels import Ask, Panel, lines, number
from grafana.source.promql import happened, or_none, or_zero, quantile
from grafana.source.tables import bars

CHOSEN = 'query=~"$query"'
STEPS = "[15m]"  # a query steps once a minute by default: enough of them for a quantile


def panels() -> list[Panel]:
    """Its own health, by query: steps on the first line, models and what it keeps of them on the second."""
    return [*_steps(), *_models()]


def _steps() -> list[Panel]:
    return [
        lines(
            "Reading and scoring",
            "Nine of ten steps take no longer than this to read from Prometheus, and then to score. Normal: both "
            "together far below the query's step. Otherwise aggregate the query, or give it a longer step.",
            Ask(_seconds("read"), "read {{query}}"),
            Ask(_seconds("score"), "score {{query}}"),
            unit="s", width=6, colours={"score .*": Colour.SECOND},
        ),
        lines(
            "Series by query",
            "Series with a fresh score, and those left out because their labels collide or cannot be written. "
            "Normal: steady, and none left out. A query at 0 fails or finds nothing; what is left out is in the "
            "exporter's log.",
            Ask(f"sum by (query) (tocsin_exporter_series{{{CHOSEN}}})", "{{query}}"),
            Ask(or_zero(f"sum(tocsin_exporter_series_left_out{{{CHOSEN}}})"), "left out"),
            unit="short", width=6, colours={"left out": Colour.WATCH},
        ),
        lines(
            "Failed steps",
            "Steps that brought nothing, by reason, counted since the exporter started. Normal: flat. A step up is "
            "news: the reason says whether Prometheus was away or refused the query; its message is in the log.",
            Ask(or_none(f"sum by (query, reason) (tocsin_query_failures_total{{{CHOSEN}}})", "reason"),
                "{{reason}} {{query}}"),
            unit="short", width=6, colours={"none ": Colour.GOOD, "(?!none ).*": Colour.BAD},
        ),
        number(
            "Last success",
            "How long ago each query last succeeded. Normal: not much longer than the query's step and delay. "
            "Longer: its scores are withdrawn after three steps, and rules on them see nothing.",
            Ask(f"time() - max by (query) (tocsin_exporter_last_success_timestamp_seconds{{{CHOSEN}}})", "{{query}}"),
            unit="s", width=6, height=8, steps=((None, Colour.GOOD), (300, Colour.WATCH), (900, Colour.BAD)),
        ),
    ]  # fmt: skip


def _models() -> list[Panel]:
    return [
        lines(
            "Fits of models",
            "Models that were fitted anew, an hour, by outcome. Normal: done or updated; there are none where every "
            "query keeps to the model of its own. Failed: the log says why; late: it took longer than a step.",
            Ask(or_none(happened(f"tocsin_exporter_fits_total{{{CHOSEN}}}", "outcome", window="[1h]"), "outcome"),
                "{{outcome}}"),
            unit="short", width=6,
            colours={
                "done|none": Colour.GOOD, "updated": Colour.PLAIN, "failed": Colour.BAD, "late": Colour.WATCH,
            },
        ),
        lines(
            "Accuracy and drift",
            "How much smaller the error of what is expected next is than that of yesterday's value, the worst query; "
            "and series an hour whose model was found not to fit any more. Normal: above 0, and no drift.",
            Ask(f"min(tocsin_model_accuracy{{{CHOSEN}}})", "accuracy, the worst"),
            Ask(or_zero(happened(f"tocsin_drift_detections_total{{{CHOSEN}}}", window="[1h]")), "drifted"),
            unit="short", width=6, from_zero=False, colours={"drifted": Colour.WATCH},
        ),
        lines(
            "Age of what is kept",
            "How old the newest step is in each query's kept state, and states an hour that could not be kept or taken "
            "up again. Normal: below a few minutes, and none. Older: a restart would learn that time anew.",
            Ask(f"time() - max by (query) (tocsin_exporter_state_timestamp_seconds{{{CHOSEN}}} > 0)", "{{query}}"),
            Ask(or_zero(happened(f"tocsin_exporter_state_problems_total{{{CHOSEN}}}", window="[1h]")), "problems"),
            unit="s", width=6, colours={"problems": Colour.BAD},
        ).override_by_name("problems", [DynamicConfigValue("unit", "short")]),
        bars(
            "Alert rules that are forecast",
            "Alert rules by the reason why they are not forecast; `forecast` are those that are. Normal: most are, or "
            "none is asked for (`rules` in exporter.yml). The reason stands in the exporter's page of rules.",
            Ask(or_zero('sum(tocsin_exporter_rules{reason=""})'), "forecast"),
            Ask('sum by (reason) (tocsin_exporter_rules{reason!=""})', "{{reason}}"),
            unit="short", width=6, colours={"forecast": Colour.GOOD, "(?!forecast$).*": Colour.QUIET},
        ),
    ]  # fmt: skip


def _seconds(what: str) -> str:
    return quantile(0.9, f"tocsin_exporter_{what}_seconds_bucket{{{CHOSEN}}}", STEPS, "query")
