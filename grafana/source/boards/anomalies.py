"""What looks unusual, and what is to come: the exporter's scores, forecasts and breaches."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import Section, board
from grafana.source.links import KEPT, label, to
from grafana.source.look import ANY_TROUBLE, Colour
from grafana.source.panels import LOWER, UPPER, Ask, Panel, band, dashed, foreseen, limit, lines, number
from grafana.source.promql import RANGE, SERVICES, or_none
from grafana.source.tables import Column, bars, rows
from grafana.source.variables import HORIZON, QUERY, SCOPE

CHOSEN = f'{SERVICES}, query=~"$query"'
SERIES = "{{query}} {{service}} {{region}} {{codec}} {{model}} {{namespace}} {{instance}}"  # absent ones show nothing
SCORE = f"tocsin_anomaly_score{{{CHOSEN}}}"
HIGHEST = f"max_over_time({SCORE}{RANGE} @ end())"  # each series' highest score of all that is on the screen
UNTIL = f"tocsin_time_to_threshold_seconds{{{CHOSEN}}}"
BREACHES = f"max by (rule, severity, horizon) (tocsin_breach_probability{{{SERVICES}}})"
LIKELY = ((None, Colour.GOOD), (0.2, Colour.WATCH), (0.5, Colour.BAD))
SOON = ((None, Colour.BAD), (4 * 3600, Colour.WATCH), (24 * 3600, Colour.GOOD))


def dashboard() -> Dashboard:
    """`dashboards/anomalies.json`."""
    return board(
        "anomalies",
        "Anomalies and forecasts",
        "Which series are not as they usually are, what was expected of them, and what is to come: an hour of it lies "
        "to the right of the dotted line.",
        [
            Section("Now", _now()),
            Section("What looks unusual", _scores()),
            Section("What is to come", _ahead()),
            Section("How good the models are", _models()),
        ],
        choices=[*SCOPE, QUERY, HORIZON],
        ahead="1h",
    )


def _now() -> list[Panel]:
    return [
        number(
            "Anomalous series",
            "Series whose score is above 1 now. Normal: 0, or a few that come and go. Many at once are one trouble "
            "with many faces, or a change of load: see which below. No data: there are no scores.",
            Ask(f"sum({SCORE} > bool 1)", "series"),
            unit="short", width=6, steps=ANY_TROUBLE,
        ),
        number(
            "Highest score", "The score of the most unusual series now. Normal: below 1. From 10 on nobody doubts it.",
            Ask(f"max({SCORE})", "score"),
            unit="short", width=6, steps=((None, Colour.GOOD), (1, Colour.WATCH), (10, Colour.BAD)), decimals=1,
        ),
        number(
            "Alert that is likeliest to fire",
            "How likely the likeliest of the simulated alerts is to fire within its horizon. Normal: below 20 %. No "
            "data: no `rules` are configured in the exporter, or none can be simulated.",
            Ask(f"max(tocsin_breach_probability{{{SERVICES}}})", "likely"),
            unit="percentunit", width=6, steps=LIKELY, decimals=0,
        ),
        number(
            "First threshold to be crossed",
            "How long until the first series is beyond its threshold, as it goes now. Normal: more than a day, or ∞: "
            "none is crossed as far as can be seen. No data: no query has `thresholds` in exporter.yml.",
            Ask(f"min({UNTIL})", "until"),
            unit="s", width=6, steps=SOON, decimals=1,
        ),
    ]  # fmt: skip


def _scores() -> list[Panel]:
    score = lines(
        "Anomaly scores",
        "The ten series with the highest scores in the time shown. Normal: below 1, the dashed line. Above 1 the value "
        "is unusual for this series at this time; see its own graph before you believe it. A line that ends is a "
        "series that left Prometheus, or a query that fails.",
        Ask(f"{SCORE} and topk(10, {HIGHEST})", SERIES),
        unit="short", width=12, height=9,
        links=[to("services", "This service", kept=(*KEPT, "horizon"), service=label("service"))],
    )  # fmt: skip
    return [
        limit(score, ((None, Colour.PLAIN), (1, Colour.BAD))),
        lines(
            "Anomalous series by query",
            "How many series of each query are above 1. Normal: 0 most of the time. Several queries at once are one "
            "trouble: the one that began first is nearest to its cause.",
            Ask(f"sum by (query) ({SCORE} > bool 1)", "{{query}}"),
            unit="short",
            width=12,
            height=9,
            stacked=True,
            links=[to("anomalies", "Only this query", query=label("query"))],
        ),
    ]


def _ahead() -> list[Panel]:
    return [
        _expected(
            "The most unusual series: what was expected, and what is to come",
            "For the series with the highest score in the time shown: the value that the exporter expected at each "
            "time, the band whose edges score 1, and dashed what it foresaw. Normal: the real value, which only its "
            "own query shows, lies inside. There is no data where a query has no `horizons`.",
            width=24,
        ),
        rows(
            "Alerts that may fire",
            "How likely each alert rule is to fire within the horizon, 100 % where it fires already. Normal: below 20 "
            "%. What is red and does not fire yet is time that you have.",
            Column("Likely", BREACHES, "percentunit", LIKELY, bar=True, decimals=0),
            keys={"rule": "Alert", "severity": "Severity", "horizon": "Within"}, width=12, worst="Likely",
        ),
        bars(
            "Time until a threshold is crossed",
            "For each series with a threshold: how long until half of what may come lies beyond it, the ten nearest. "
            "Normal: more than a day. A short bar is a disk, a heap or a queue that fills up.",
            Ask(f"sort(bottomk(10, {UNTIL} < Inf))", f"{SERIES} {{{{threshold}}}}"),
            unit="s", width=12, steps=SOON,
        ),
    ]  # fmt: skip


def _expected(title: str, description: str, *, width: int) -> Panel:
    panel = lines(
        title,
        description,
        Ask(_most_unusual("tocsin_forecast_lower", "0s"), LOWER),
        Ask(_most_unusual("tocsin_forecast_upper", "0s"), UPPER),
        Ask(_most_unusual("tocsin_forecast", "0s"), f"expected: {SERIES}"),
        Ask(_most_unusual("tocsin_forecast", "$horizon", " offset $horizon"), "foreseen $horizon before"),
        Ask(_most_unusual("tocsin_forecast_lower", "$horizon", " offset $horizon"), "at least"),
        Ask(_most_unusual("tocsin_forecast_upper", "$horizon", " offset $horizon"), "at most"),
        unit="short",
        width=width,
        height=9,
        from_zero=False,
        colours={"expected.*": Colour.PLAIN},
    )
    return foreseen(band(panel), "foreseen.*|at least|at most")


def _most_unusual(family: str, horizon: str, when: str = "") -> str:
    """What is said of the one series that had the highest score among those with a forecast."""
    known = f'last_over_time(tocsin_forecast{{{CHOSEN}, horizon="0s"}}{RANGE} @ end())'
    first = f"topk(1, {HIGHEST} and ignoring (horizon) {known})"
    return f'{family}{{{CHOSEN}, horizon="{horizon}"}}{when} and ignoring (horizon) {first}'


def _models() -> list[Panel]:
    chosen = 'query=~"$query"'
    ahead = f'{chosen}, horizon!="0s"'
    return [
        lines(
            "Better than yesterday's value",
            "How much smaller the error of what is expected next is than that of the value a day before, by query: 0 "
            "is no better, 1 would be perfect. Normal: above 0. Below: the series has no rhythm that could be learned.",
            Ask(f"avg by (query) (tocsin_model_accuracy{{{chosen}}})", "{{query}}"),
            unit="percentunit", width=8, from_zero=False,
        ),
        dashed(
            lines(
                "Values inside what was foreseen",
                "Share of values that lay inside of what was foreseen so long before, by query. Normal: near 90 %, the "
                "dashed line, for all horizons but `0s`, whose band is wider. Below: trust the band less.",
                Ask(f"avg by (query, horizon) (tocsin_model_coverage{{{ahead}}})", "{{query}} {{horizon}}"),
                unit="percentunit", width=8, from_zero=False,
            ),
            ((None, Colour.WATCH), (0.9, Colour.GOOD)),
        ),
        lines(
            "Models that do not fit any more",
            "Series whose errors grew or lie on one side, an hour, by query and kind. Normal: 0. After a change of "
            "what is measured a few are right: the model learns anew.",
            Ask(or_none(f"3600 * sum by (query, kind) (rate(tocsin_drift_detections_total{{{chosen}}}[1h]))", "query"),
                "{{query}} {{kind}}"),
            unit="short", width=8,
        ),
    ]  # fmt: skip
