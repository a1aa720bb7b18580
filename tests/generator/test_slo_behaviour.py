"""What an SLO's rules do in a real Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import real
from tests.generator.playing import Case, Query, play

GATE = "count(ALERTS{{alertname='Shop{}',alertstate='firing'}}) or vector(0)"
QUICK, SLOW, TICKET, CREEP = (GATE.format(tier) for tier in ("PageQuick", "PageSlow", "TicketQuick", "TicketSlow"))
NAN = [f"count(tocsin:{name} != tocsin:{name}) or vector(0)" for name in ("sli_errors:ratio_1h", "slo_burn_rate:ratio")]
LEFT = "round(sum(tocsin:slo_error_budget_remaining:ratio), 0.0001)"

NANS = " ".join(["NaN"] * 10)
GAUGES = "requests: {errors: e, total: t}"
RATES = 'requests: {errors: "sum(rate(e_total[5m]))", total: "sum(rate(t_total[5m]))"}'
GOOD = "requests: {good: g, total: t}"
CLASSIC = "latency: {histogram: 'x{a=\"b\"}', threshold: 1, by: [job]}"
BUCKETS = "x_bucket{a='b',job='j',le='%s'}"


def slo(indicator: str, objective: str = "99", **facts: str) -> str:
    """At 99 % the factors of the default tiers are 14.4, 6, 3 and 1 %, hence limits of 0.144, 0.06, 0.03, 0.01."""
    given = {"objective": objective, "runbook": "https://example.org/r", **facts}
    return "\n".join(["- slo: Shop", f"  {indicator}", *(f"  {key}: {value}" for key, value in given.items())])


# (what it shows, the SLO, series, queries)
CASES: list[tuple[str, str, dict[str, str], list[Query]]] = [
    ("a burn over the factor pages", slo(GAUGES), {"e": "144.1x90", "t": "1000x90"}, [(QUICK, 5, 1), (QUICK, 61, 1)]),
    (
        "a burn below it does not, but burns the slow tiers",
        slo(GAUGES),
        {"e": "143.9x90", "t": "1000x90"},
        [(QUICK, 5, 0), (QUICK, 61, 0), (SLOW, 61, 1), (CREEP, 61, 1)],
    ),
    (
        "everything fails from 2 h on: nine of sixty minutes are over 14.4 %",
        slo(GAUGES),
        {"e": "0x119 1000x60", "t": "1000x200"},
        [(QUICK, 127, 0), (QUICK, 128, 1)],
    ),
    (
        "the short window ends the page, the long one would not",
        slo(GAUGES),
        {"e": "0x119 1000x19 0x60", "t": "1000x250"},
        [(QUICK, 139, 1), (QUICK, 143, 1), (QUICK, 146, 0), ("sum(tocsin:sli_errors:ratio_1h) > bool 0.2", 146, 1)],
    ),
    (
        "counters and their rates",
        slo(RATES),
        {"e_total": "0+86.46x90", "t_total": "0+600x90"},
        [(QUICK, 20, 1), (QUICK, 65, 1)],
    ),
    (
        "counters just below",
        slo(RATES),
        {"e_total": "0+86.3x90", "t_total": "0+600x90"},
        [(QUICK, 20, 0), (SLOW, 20, 1)],
    ),
    ("no error series yet", slo(RATES), {"t_total": "0+600x90"}, [(QUICK, 30, 0), (LEFT, 30, 1)]),
    (
        "no traffic is neither NaN nor a page, and spends nothing",
        slo(GAUGES),
        {"e": "0x90", "t": "0x90"},
        [(QUICK, 30, 0), (CREEP, 30, 0), (LEFT, 30, 1), *((query, 30, 0.0) for query in NAN)],
    ),
    (
        "a quiet night spends nothing of what the day left",
        slo(GAUGES),
        {"e": "5x59 0x90", "t": "1000x59 0x90"},
        [(LEFT, 59, 0.5), (LEFT, 149, 0.5), (CREEP, 149, 0)],
    ),
    (
        "NaN spoils no window",
        slo("requests: {errors: e, total: t}"),
        {"e": "144.1x9 NaN NaN 144.1x30", "t": "1000x9 NaN NaN 1000x30"},
        [(QUICK, 30, 1), *((query, 30, 0.0) for query in NAN)],
    ),
    (
        "one error at night is not judged",
        slo(GAUGES, minimum="10"),
        {"e": "1x90", "t": "1x90"},
        [(QUICK, 30, 0), (CREEP, 30, 0)],
    ),
    ("traffic enough is judged", slo(GAUGES, minimum="10"), {"e": "10x90", "t": "10x90"}, [(QUICK, 30, 1)]),
    ("nothing good is all bad", slo(GOOD), {"t": "10x90"}, [(QUICK, 30, 1)]),
    ("good ones in place of bad ones", slo(GOOD), {"g": "999x90", "t": "1000x90"}, [(LEFT, 30, 0.9)]),
    (
        "a renamed tier, and one that is switched off",
        slo(GAUGES, tiers="{page-quick: {alert: ShopBurns}, page-slow: {enabled: false}}"),
        {"e": "500x90", "t": "1000x90"},
        [("count(ALERTS{alertname='ShopBurns'})", 30, 1), (QUICK, 30, 0), (SLOW, 30, 0), (TICKET, 30, 1)],
    ),
    (
        "a tier of one's own alone",
        slo(GAUGES, default_tiers="false", tiers="{x: {long: 30m, short: 5m, factor: 50, severity: critical}}"),
        {"e": "501x90", "t": "1000x90"},
        [("count(ALERTS{alertname='ShopX'})", 30, 1), ("count(ALERTS)", 30, 1)],
    ),
    (
        "slow requests of a classic histogram; 1 and 1.0 are one bound",
        slo(CLASSIC),
        {BUCKETS % "1.0": "0+855x60", BUCKETS % "+Inf": "0+1000x60", "x_count{a='b',job='j'}": "0+1000x60"},
        [(QUICK, 30, 1)],
    ),
    (
        "of fast ones",
        slo(CLASSIC),
        {BUCKETS % "1": "0+857x60", BUCKETS % "+Inf": "0+1000x60", "x_count{a='b',job='j'}": "0+1000x60"},
        [(QUICK, 30, 0), (SLOW, 30, 1)],
    ),
    (
        "a bound that the histogram lacks is no good news",
        slo(CLASSIC),
        {BUCKETS % "+Inf": "0+1000x60", "x_count{a='b',job='j'}": "0+1000x60"},
        [("count(tocsin:slo_error_budget_remaining:ratio) or vector(0)", 30, 0)],
    ),
    (
        "bad minutes among all; a minute without a value is none",
        slo("time_slices: {expr: p99, above: 0.5}"),
        {"p99": f"0.6x9 0.4x29 {NANS} _x9 0.6x9"},
        [
            ("round(sum(tocsin:sli_errors:ratio_30d), 0.001)", 55, 0.25),
            (QUICK, 9, 1),
            ("sum(tocsin:sli_total:rate)", 45, 0),
        ],
    ),
    (
        "an instance that is down",
        slo("time_slices: {expr: up, below: 1}", "90", tiers="{page-quick: {factor: 9.9}}"),
        {"up{job='a'}": "1x99", "up{job='b'}": "0x99"},
        [(QUICK, 70, 1)],
    ),
]


@pytest.mark.real
def test_an_slo_behaves(promtool: Path, tmp_path: Path) -> None:
    """Each tier fires and is silent at the right minute, with either Prometheus."""
    play((Case(*case) for case in CASES), promtool=promtool, folder=tmp_path)


@pytest.mark.real
def test_the_period_is_right_under_uneven_load(promtool: Path, tmp_path: Path) -> None:
    """A busy hour in which 0.615 % of 10,000 fail, and 23 quiet ones of 100 without errors: 0.5 % of all requests,
    half of the budget. An average of ratios would be 0.026 %, and say that 97 % of the budget is left.
    """
    assert 12 * 61.5 == 0.005 * (12 * 10_000 + 276 * 100)
    series = {"e": "61.5x11 0x275", "t": "10000x11 100x275"}
    off = "{ticket-slow: {enabled: false}}"
    cases = [
        Case(period, slo(GAUGES, period=period, tiers=tiers), series, [(LEFT, 287 * 5, 0.5)])
        for period, tiers in (("1d", off), ("3d", "{}"), ("30d", "{}"))
    ]
    play(cases, promtool=promtool, folder=tmp_path, step_minutes=5)


@pytest.mark.real
def test_slow_requests_of_a_native_histogram(tmp_path: Path) -> None:
    """Half of the values lie between 1 and 2: they are slow if 1 is the limit.

    promtool 2.42 cannot play native histograms.
    """
    sample = "{{schema:0 count:%d sum:%d buckets:[%d %d]}}"
    values = " ".join(sample % (10 * n, 10 * n, 5 * n, 5 * n) for n in range(60))
    indicator = "latency: {{histogram: x, threshold: {}, native: true, by: [job]}}"
    cases = [
        Case(threshold, slo(indicator.format(threshold)), {"x{job='j'}": values}, [(QUICK, 30, page)])
        for threshold, page in (("2", 0.0), ("1", 1.0))
    ]
    play(cases, promtool=real.pair("current").promtool, folder=tmp_path)
