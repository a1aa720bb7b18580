"""What the alerts of the templates that judge values over time, or several at once, do in a real Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import real
from tests.generator.packs import alert
from tests.generator.playing import Played, fires, play

NANS = " ".join(["NaN"] * 8)

RANGE = "range: {expr: x, low: 16, high: 27}"
INSIDE = "range: {expr: x, low: 16, high: 27, fires: inside}"
RANGES: list[Played] = [
    ("below and above fire, the limits do not", RANGE, {"x": "15.9 16 27 27.1"}, [0, 3], [1, 2]),
    ("what is missing or NaN is in no range", RANGE, {"x": "20 NaN 20 stale"}, [], [0, 1, 3, 4]),
    ("inside, the limits fire", INSIDE, {"x": "15.9 16 27 27.1 NaN"}, [1, 2], [0, 3, 4]),
]

SLOPE = "rate_of_change: {expr: x, window: 10m, rises_faster_than: 60, per: 1h}"
SPEEDS: list[Played] = [
    ("a rise beyond the speed", SLOPE, {"x": "0+1.1x20"}, [15], [2, 7]),
    ("a rise just below", SLOPE, {"x": "0+0.9x20"}, [], [9, 15, 20]),
    ("a fall is no rise", SLOPE, {"x": "90-2x20"}, [], [15]),
    ("a fall", "rate_of_change: {expr: x, window: 10m, falls_faster_than: 1, per: 1m}", {"x": "90-1.1x20"}, [15], [5]),
    (
        "a fall just below",
        "rate_of_change: {expr: x, window: 10m, rises_faster_than: 1, falls_faster_than: 1, per: 1m}",
        {"x": "90-0.9x20"},
        [],
        [15],
    ),
    ("a new series is silent", SLOPE, {"x": "_x30 0+9x20"}, [45], [32, 36]),
    ("a short gap blinds nobody", SLOPE, {"x": "0+2x12 _ _ 30+2x9"}, [14, 18], []),
    ("a vanished series is silent", SLOPE, {"x": "0+2x12 stale _x20"}, [12], [20]),
    (
        "NaN spoils no window of an expression",
        "rate_of_change: {expr: x + 0, window: 10m, rises_faster_than: 1, per: 1m}",
        {"x": "0+2x12 NaN 28+2x9"},
        [12, 15],
        [],
    ),
    (
        "the reset of a counter is no fall of its rate",
        "rate_of_change: {expr: 'rate(c_total[3m])', window: 10m, falls_faster_than: 0.2, per: 1m}",
        {"c_total": "0+60x20 0+60x20"},
        [],
        [15, 22, 30],
    ),
]

RATIO = "ratio: {errors: 'rate(e_total[5m])', total: 'rate(t_total[5m])', above: 0.05}"
GATED = "ratio: {errors: 'rate(e_total[5m])', total: 'rate(t_total[5m])', above: 0.05, minimum: 0.1}"
ANY = "ratio: {errors: 'rate(e_total[5m])', total: 'rate(t_total[5m])', above: 0.05, minimum_errors: 0}"
QUIET_NIGHT = {"e_total": "0x10 1x20", "t_total": "0+1x30"}
RATIOS: list[Played] = [
    ("one error at night pages nobody", RATIO, QUIET_NIGHT, [], [9, 11, 12, 14, 15, 20]),
    ("nor with a minimum of traffic", GATED, QUIET_NIGHT, [], [11, 13, 15]),
    ("but where any error counts", ANY, QUIET_NIGHT, [12], [9, 20]),
    ("two errors of few", RATIO, {"e_total": "0x10 1 2x20", "t_total": "0+1x30"}, [13], [10, 20]),
    ("increase counts events", RATIO.replace("rate(", "increase("), QUIET_NIGHT, [], [11, 13, 15]),
    ("no traffic is no NaN", RATIO, {"e_total": "5x20", "t_total": "9x20"}, [], [5, 15]),
    ("many errors by day", RATIO, {"e_total": "0+6x20", "t_total": "0+100x20"}, [10], []),
    ("just below the share", RATIO, {"e_total": "0+4.9x20", "t_total": "0+100x20"}, [], [10, 20]),
    ("enough traffic", GATED, {"e_total": "0+1x20", "t_total": "0+6.1x20"}, [10], []),
    ("traffic just below", GATED, {"e_total": "0+1x20", "t_total": "0+5.9x20"}, [], [10, 20]),
    ("a reset is no error", RATIO, {"e_total": "50x10 0x20", "t_total": "0+100x10 0+100x20"}, [], [11, 13, 20]),
]

BUCKETS = 'd_seconds_bucket{{le="{}"}}'


def _classic(quick: int, slow: int, minutes: int = 20) -> dict[str, str]:
    """Events a minute that took at most 1 s, and further ones of 1 to 2 s."""
    counts = {"1": quick, "2": quick + slow, "+Inf": quick + slow}
    series = {BUCKETS.format(le): f"0+{count}x{minutes}" for le, count in counts.items()}
    return series | {"d_seconds_count": f"0+{quick + slow}x{minutes}"}


P90 = "quantile: {histogram: d_seconds, quantile: 0.9, above: 1}"
P90_BUSY = "quantile: {histogram: d_seconds_bucket, quantile: 0.9, above: 1, minimum: 1}"
QUANTILES: list[Played] = [
    ("more than a tenth is slow", P90, _classic(85, 15), [10], [0]),
    ("less than a tenth is slow", P90, _classic(95, 5), [], [10, 20]),
    ("no traffic is NaN, and silent", P90, _classic(0, 0), [], [10, 20]),
    ("no histogram at all", P90, {}, [], [10]),
    ("enough traffic", P90_BUSY, _classic(50, 15), [10], []),
    ("traffic just below the minimum", P90_BUSY, _classic(40, 15), [], [10, 20]),
    (
        "a reset is no event",
        P90,
        {key: value + value.replace("0+", " 0+") for key, value in _classic(95, 5).items()},
        [],
        [20, 23, 30],
    ),
]

FULL = "saturation: {used: u, capacity: c, window: 20m, full_within: 1h, used_above: 0.6}"
FREE = "saturation: {free: u, capacity: c, window: 20m, full_within: 1h, used_above: 0.6}"
SUMMED = "saturation: {used: sum(u), capacity: sum(c), window: 20m, full_within: 1h}"
SATURATIONS: list[Played] = [
    ("full within the hour", FULL, {"u": "60+0.5x40", "c": "100x40"}, [25], [3, 10]),
    ("full a little later", FULL, {"u": "60+0.4x30", "c": "100x40"}, [], [25]),
    ("so fast, and still much left", FULL, {"u": "0+2x29", "c": "100x40"}, [], [20, 28]),
    ("it empties", FULL, {"u": "95-0.5x40", "c": "100x40"}, [], [25]),
    ("a new series is silent", FULL, {"u": "_x30 70+2x9", "c": "100x60"}, [], [32, 38]),
    ("no limit is never reached", FULL, {"u": "60+0.5x40", "c": "0x40"}, [], [25]),
    ("a NaN is no evidence", FULL, {"u": "60+0.5x20 NaN 72+0.5x9", "c": "100x40"}, [], [22]),
    ("a file is deleted", FULL, {"u": "60+0.5x30 20+0.5x20", "c": "100x60"}, [30], [32, 40]),
    ("what is left runs out", FREE, {"u": "35-0.5x40", "c": "100x40"}, [25], [10]),
    ("what is left lasts", FREE, {"u": "35-0.2x40", "c": "100x40"}, [], [25, 40]),
    ("much is left", FREE, {"u": "100-2x29", "c": "100x40"}, [], [20, 28]),
    ("sums are recorded", SUMMED, {"u{a='1'}": "30+0.3x40", "u{a='2'}": "30+0.3x40", "c": "100x40"}, [25], [10]),
]

LINE = "forecast: {engine: promql, expr: x, horizon: 1h, window: 20m, above: 100}"
LEFT = "forecast: {engine: promql, expr: x + 0, horizon: 1h, window: 20m, below: 0}"
OURS = "forecast: {query: q, horizon: 1w, above: 100}"
BREACH = "forecast: {rule: DiskFull, horizon: 4h, probability: 0.5}"
FORECASTS: list[Played] = [
    ("the line passes the limit", LINE, {"x": "50+0.7x40"}, [25], [10]),
    ("the line stays below", LINE, {"x": "20+0.7x40"}, [], [25]),
    ("the line falls through the limit", LEFT, {"x": "50-1x40"}, [25], [10]),
    ("NaN spoils no line of an expression", LEFT, {"x": "50-1x19 NaN 29-1x20"}, [22], []),
    ("the exporter's forecast", OURS, {"tocsin_forecast{query='q',horizon='7d'}": "99x4 101x4"}, [5], [3]),
    ("another horizon", OURS, {"tocsin_forecast{query='q',horizon='1d'}": "101x9"}, [], [5]),
    ("another query", OURS, {"tocsin_forecast{query='p',horizon='7d'}": "101x9"}, [], [5]),
    ("a forecast that is NaN or gone", OURS, {"tocsin_forecast{query='q',horizon='7d'}": "NaN NaN stale"}, [], [1, 4]),
    (
        "a breach is likely",
        BREACH,
        {"tocsin_breach_probability{rule='DiskFull',horizon='4h',query='disk'}": "0.5x4 0.51x4"},
        [5],
        [4],
    ),
]

BOTH = "composite: {all: [a > 1, b > 1]}"
UNLESS = "composite: {all: [a > 1], unless: [m == 1], by: [job]}"
EITHER = "composite: {any: [a > 1, b > 1], by: [job]}"
TWO = "composite: {at_least: 2, of: [a > 1, b > 1, c > 1]}"
TWO_JOBS = "composite: {at_least: 2, of: [a > 1, b > 1, c > 1], by: [job]}"
GROWING = "composite: {all: [{rate_of_change: {expr: sum(a), window: 10m, rises_faster_than: 1, per: 1m}}, b > 1]}"
COMPOSITES: list[Played] = [
    ("both hold", BOTH, {"a": "2x9", "b": "1x4 2x4"}, [6], [4]),
    ("one is missing", BOTH, {"a": "2x9"}, [], [5]),
    ("one is NaN", BOTH, {"a": "2x9", "b": NANS}, [], [5]),
    ("of another series", BOTH, {"a{x='1'}": "2x9", "b{x='2'}": "2x9"}, [], [5]),
    ("maintenance", UNLESS, {"a{job='j',i='1'}": "2x9", "m{job='j'}": "0x4 1x4"}, [4], [5, 9]),
    ("maintenance of another", UNLESS, {"a{job='j',i='1'}": "2x9", "m{job='k'}": "1x9"}, [5], []),
    ("either holds, and is one alert", EITHER, {"a{job='j',i='1'}": "1x4 2x4", "b{job='j',i='2'}": "2x9"}, [3, 7], []),
    ("neither holds", EITHER, {"a{job='j'}": "1x9", "b{job='j'}": "1x9"}, [], [5]),
    ("two of three", TWO, {"a": "2x9", "b": "1x9", "c": "1x4 2x4"}, [6], [4]),
    ("two of three, one missing", TWO, {"a": "2x9", "c": "2x9"}, [5], []),
    ("two series of one condition are one", TWO_JOBS, {"a{job='j',i='1'}": "2x9", "a{job='j',i='2'}": "2x9"}, [], [5]),
    ("two of a job", TWO_JOBS, {"a{job='j',i='1'}": "2x9", "b{job='j',i='2'}": "2x9"}, [5], []),
    ("a template as a condition", GROWING, {"a": "0+2x20", "b": "2x20"}, [15], [5]),
    ("a template that does not hold", GROWING, {"a": "0+0.9x20", "b": "2x20"}, [], [15]),
]

CASES = [*RANGES, *SPEEDS, *RATIOS, *QUANTILES, *SATURATIONS, *FORECASTS, *COMPOSITES]


@pytest.mark.real
def test_templates_judge(promtool: Path, tmp_path: Path) -> None:
    """Each alert fires at these minutes and is silent at those."""
    cases = (fires(case[0], alert(case[1]), *case[2:]) for case in CASES)
    play(cases, promtool=promtool, folder=tmp_path)


# Samples every five minutes; 288 are a day.
DAILY = "comparison: {expr: x, season: 1d, above: 1.5, below: 0.5}"
EXPR = DAILY.replace("expr: x", "expr: sum(x)")
WORTH = "comparison: {expr: x, season: 1d, above: 1.5, below: 0.5, minimum: 5}"
WEEKLY = "comparison: {expr: x, below: 0.5}"
SOON = "forecast: {engine: promql, expr: x, horizon: 2h, season: 1d, above: 100}"
SEASONS: list[Played] = [
    ("half as much again", DAILY, {"x": "10x287 15.1x40"}, [1560], [1435]),
    ("not quite half as much again", DAILY, {"x": "10x287 14.9x40"}, [], [1560]),
    ("less than half", EXPR, {"x": "10x287 4.9x40"}, [1560], [1435]),
    ("not quite half", EXPR, {"x": "10x287 5.1x40"}, [], [1560]),
    ("no history is silent", DAILY, {"x": "10x100 90x40"}, [], [300, 600, 700]),
    ("a short history is silent", DAILY, {"x": "_x287 10x20 90x20"}, [], [1500, 1560]),
    ("history with a hole is silent", DAILY, {"x": "10x5 _x40 10x240 90x30"}, [], [1535, 1560]),
    ("one outlier then is no comparison", DAILY, {"x": "10x11 900 10x275 10x40"}, [], [1500]),
    ("nothing then is no share", DAILY, {"x": "0x287 90x40"}, [], [1560]),
    ("nothing then, much now", WORTH, {"x": "0x287 90x40"}, [1560], []),
    ("too little to compare", WORTH, {"x": "1x287 4x40"}, [], [1560]),
    ("too little then to miss", WORTH, {"x": "4x287 0x40"}, [], [1560]),
    ("enough then to miss", WORTH, {"x": "6x287 0x40"}, [1560], []),
    ("NaN now is silent", DAILY, {"x": f"10x287 {NANS}"}, [], [1445, 1475]),
    ("NaN then is no history", DAILY, {"x": f"{NANS} 10x279 90x40"}, [], [1445, 1470]),
    ("last week", WEEKLY, {"x": "10x2015 4x40"}, [10200], [10060]),
    ("last week, not yet", WEEKLY, {"x": "10x300 4x100"}, [], [1900]),
    ("yesterday it rose by so much", SOON, {"x": "60x47 120x239 60x47"}, [1640], [1535]),
    ("yesterday it rose by less", SOON, {"x": "60x47 99x239 60x47"}, [], [1560, 1640]),
    ("a forecast without yesterday", SOON, {"x": "60x47 120x40"}, [], [200, 300, 400]),
]


@pytest.mark.real
def test_templates_remember(promtool: Path, tmp_path: Path) -> None:
    """What is compared with yesterday or last week fires at these minutes and is silent at those."""
    cases = (fires(case[0], alert(case[1]), *case[2:]) for case in SEASONS)
    play(cases, promtool=promtool, folder=tmp_path, step_minutes=5)


NATIVE = "quantile: {histogram: d_seconds, kind: native, quantile: 0.9, above: 2, minimum: 0.5}"
SLOW = "{{schema:0 sum:50 count:20 buckets:[5 5 5 5]}}"
STEP = "{{schema:0 sum:50 count:100 buckets:[25 25 25 25]}}"


@pytest.mark.real
def test_native_histograms(tmp_path: Path) -> None:
    """A quantile of a native histogram fires beyond the limit, and is silent without traffic.

    promtool 2.42 plays no native histograms.
    """
    cases = [
        fires("slow", alert(NATIVE), {"d_seconds": f"{SLOW}+{STEP}x20"}, [10], []),
        fires("without traffic", alert(NATIVE), {"d_seconds": f"{SLOW}x20"}, [], [10, 20]),
    ]
    play(cases, promtool=real.pair("current").promtool, folder=tmp_path)
