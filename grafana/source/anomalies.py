"""Panels on what the exporter says, and on how well it does."""

from __future__ import annotations

from grafana.source.board import Panel
from grafana.source.panels import Ask, Colour, band, limit, lines, number
from grafana.source.promql import RANGE, or_none, or_zero, quantile

CHOSEN = 'query=~"$query"'
SERIES = "{{query}} {{namespace}} {{service}} {{region}} {{pod}} {{instance}}"  # labels that are absent show nothing
SCORE = f"tocsin_anomaly_score{{{CHOSEN}}}"
HIGHEST = f"max_over_time({SCORE}{RANGE} @ end())"  # each series' highest score of all that is on the screen
STEPS = "[5m]"  # a query steps once a minute by default; shorter windows would miss it


def panels() -> list[Panel]:
    """Scores, and what the most unusual series was expected to be."""
    score = lines(
        "Anomaly scores",
        "The ten series with the highest scores in the time shown. Normal: below 1, the dashed line. Above 1 the "
        "value is unusual for this series at this time; see its own graph before you believe it. A line that ends "
        "is a series that left Prometheus, or a query that fails.",
        Ask(f"{SCORE} and topk(10, {HIGHEST})", SERIES),
        unit="short", width=12, height=9,
    )  # fmt: skip
    expected = lines(
        "What was expected",
        "For the series with the highest score in the time shown: the value that the exporter expected, and the band "
        "whose edges score 1. Normal: the real value lies inside; lay its graph beside this one. The band is "
        "published for queries with `horizons` in the exporter's configuration; without, there is no data here.",
        Ask(_most_unusual("tocsin_forecast"), f"expected {SERIES}"),
        Ask(_most_unusual("tocsin_forecast_lower"), "lower bound"),
        Ask(_most_unusual("tocsin_forecast_upper"), "upper bound"),
        unit="short", width=12, height=9, from_zero=False,
    )  # fmt: skip
    return [
        limit(score, ((None, Colour.PLAIN), (1, Colour.BAD))),
        band(expected, "lower bound", "upper bound"),
    ]


def _most_unusual(family: str) -> str:
    """The expectation for now, of the one series that had the highest score among those with a forecast."""
    known = f'last_over_time(tocsin_forecast{{{CHOSEN}, horizon="0s"}}{RANGE} @ end())'
    first = f"topk(1, {HIGHEST} and ignoring (horizon) {known})"
    return f'{family}{{{CHOSEN}, horizon="0s"}} and ignoring (horizon) {first}'


def exporter() -> list[Panel]:
    """The exporter's own health, by query."""
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


def _seconds(what: str) -> str:
    return quantile(0.9, f"tocsin_exporter_{what}_seconds_bucket{{{CHOSEN}}}", STEPS, "query")
