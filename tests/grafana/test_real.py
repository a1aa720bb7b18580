"""What the dashboards' queries answer in a real Prometheus: promtool plays series to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from grafana.source.files import DASHBOARDS, text
from grafana.source.queries import queries

ASKED = [
    (f"{name}: {title}", expr)
    for name, make in sorted(DASHBOARDS.items())
    for title, expr in queries(json.loads(text(make())))
]
EU, US = 'query="latency", region="eu"', 'query="latency", region="us"'

# A stack in which something happens all the time: one sample each 15 seconds, for an hour.
BUSY = {
    'ALERTS{alertname="Watchdog", alertstate="firing", severity="info"}': "1x240",
    'ALERTS{alertname="PlayerSlow", alertstate="firing", severity="page", region="eu"}': "1x240",
    'ALERTS{alertname="PlayerSlow", alertstate="firing", severity="info", region="us"}': "1x240",
    'ALERTS{alertname="DiskFills", alertstate="firing", severity="ticket"}': "1x240",
    'ALERTS{alertname="Expected", alertstate="pending", severity="critical"}': "1x240",
    f"tocsin_anomaly_score{{{EU}}}": "0.5x240",
    f"tocsin_anomaly_score{{{US}}}": "0.2x230 3x9",
    'tocsin_anomaly_score{query="errors"}': "9x240",  # without horizons: the highest score, and no forecast
    **{
        f'tocsin_forecast{bound}{{{region}, horizon="{horizon}"}}': f"{value}x240"
        for bound, value in (("", 5), ("_lower", 4), ("_upper", 6))
        for region in (EU, US)
        for horizon in ("0s", "1h")
    },
    'tocsin_exporter_series{query="latency"}': "2x240",
    'tocsin_exporter_series_left_out{query="latency", reason="collision"}': "0x240",
    'tocsin_exporter_last_success_timestamp_seconds{query="latency"}': "0+15x240",
    'tocsin_query_failures_total{query="latency", reason="unavailable"}': "0+1x240",
    **{
        f'tocsin_exporter_{what}_seconds_bucket{{query="latency", le="{le}"}}': "0+1x240"
        for what in ("read", "score")
        for le in ("0.005", "+Inf")
    },
    **{
        f'tocsin_receiver_{what}_seconds_bucket{{le="{le}"}}': "0+1x240"
        for what in ("commit", "time_to_acknowledge", "time_to_resolve")
        for le in ("15", "+Inf")
    },
    "tocsin_receiver_inbox_depth": "0x240",
    **dict.fromkeys(
        (
            f"tocsin_receiver_{what}"
            for what in (
                "engine_active",
                "engine_failing",
                "inbox_oldest_seconds",
                "jobs_oldest_due_seconds",
                "jobs_due",
                "inflight_bytes",
            )
        ),
        "0x240",
    ),
    'tocsin_receiver_incidents{status="open", severity="critical"}': "1x240",
    'tocsin_receiver_incidents{status="resolved", severity="warning"}': "7x240",
    'tocsin_receiver_messages_total{channel="mail", state="dead"}': "0+1x240",
    "tocsin_receiver_alerts_received_total": "0+1x240",
    "tocsin_receiver_alerts_processed_total": "0+1x240",
    "tocsin_receiver_bodies_quarantined_total": "0x240",
}
GUARDED = [(title, expr) for title, expr in ASKED if "vector(0)" in expr]


def asked(title: str, index: int = 0) -> str:
    return [expr for found, expr in ASKED if found == title][index]


# (what it shows, panel, its nth query, what it answers)
ANSWERS = [
    ("the heartbeat is no alert", "loop: Firing alerts", 0, [("{}", 3)]),
    ("resolved incidents are not open", "loop: Open incidents", 0, [('{severity="critical"}', 1)]),
    ("a score of 1 or less is no anomaly", "loop: Anomalous series", 0, [("{}", 2)]),
    ("failures of five minutes are counted", "loop: Messages failed", 0, [("{}", 20)]),
    (
        "an alert has its worst severity",
        "loop: Alerts firing",
        0,
        [('{alertname="PlayerSlow"}', 3), ('{alertname="DiskFills"}', 2)],
    ),
    (
        "the band is that of the highest score among those that have one",
        "loop: What was expected",
        2,
        [(f'tocsin_forecast_upper{{{US}, horizon="0s"}}', 6)],
    ),
]


@pytest.mark.real
def test_a_quiet_stack_shows_zeros(promtool: Path, tmp_path: Path) -> None:
    """Where nothing has happened yet, each guarded query answers one 0, and not two or none."""
    zero = [(f"count({expr}) + sum({expr})", [("{}", 1.0)]) for _, expr in GUARDED]
    assert zero
    play(promtool, tmp_path, {}, zero)


@pytest.mark.real
def test_a_busy_stack_leaves_no_panel_empty(promtool: Path, tmp_path: Path) -> None:
    """Where something happens, every query answers with numbers."""
    some = [(f"count(({expr}) == ({expr})) > bool 0", [("{}", 1.0)]) for _, expr in ASKED]
    play(promtool, tmp_path, BUSY, some)


@pytest.mark.real
@pytest.mark.parametrize(("title", "index", "answer"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
def test_a_query_means_what_its_panel_says(
    title: str, index: int, answer: Sequence[tuple[str, float]], promtool: Path, tmp_path: Path
) -> None:
    """The answer is the one that the panel's description promises."""
    play(promtool, tmp_path, BUSY, [(asked(title, index), answer)])


def play(
    promtool: Path,
    folder: Path,
    series: dict[str, str],
    answers: Sequence[tuple[str, Sequence[tuple[str, float]]]],
) -> None:
    """Asks each expression at the end of the hour, and wants its answer."""
    expected = [
        {
            "expr": expr,
            "eval_time": "59m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
        }
        for expr, samples in answers
    ]
    given = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "15s", "input_series": given, "promql_expr_test": expected}
    (folder / "unit.yml").write_text(json.dumps({"evaluation_interval": "15s", "tests": [test]}))
    run = [str(promtool), "test", "rules", "unit.yml"]
    tested = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
