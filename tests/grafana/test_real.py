"""What the dashboards' queries answer in a real Prometheus: promtool plays series to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from grafana.source.files import DASHBOARDS, text
from grafana.source.queries import marks, queries

MADE = {name: json.loads(text(make())) for name, make in DASHBOARDS.items()}
ASKED = [(f"{name}: {title}", expr) for name, one in MADE.items() for title, expr in [*queries(one), *marks(one)]]
GUARDED = [(title, expr) for title, expr in ASKED if "vector(0)" in expr]
EU, US = 'query="latency", region="eu"', 'query="latency", region="us"'
SLO = 'tocsin_slo="Pay"'

# An hour of a small stack, one sample each 15 seconds.
SERIES = {
    'ALERTS{alertname="Watchdog", alertstate="firing", severity="info"}': "1x240",
    'ALERTS{alertname="PlayerSlow", alertstate="firing", severity="critical", tenant="acme"}': "1x240",
    'ALERTS{alertname="DiskFills", alertstate="firing", severity="warning"}': "1x240",
    'ALERTS{alertname="Expected", alertstate="pending", severity="critical"}': "1x240",
    # acme's requests fail at one in ten; the others have no tenant, and none of theirs has failed so far.
    'http_requests_total{service="shop", tenant="acme", code="200"}': "0+135x240",
    'http_requests_total{service="shop", tenant="acme", code="503"}': "0+15x240",
    'http_requests_total{service="mail", code="200"}': "0+150x240",
    f"tocsin_anomaly_score{{{EU}}}": "0.5x240",
    f"tocsin_anomaly_score{{{US}}}": "0.2x230 3x9",
    'tocsin_anomaly_score{query="errors"}': "9x240",  # without horizons: the highest score, and no forecast
    **{
        f'tocsin_forecast{bound}{{{region}, horizon="{horizon}"}}': f"{value}x240"
        for bound, value in (("", 5), ("_lower", 4), ("_upper", 6))
        for region in (EU, US)
        for horizon in ("0s", "1h")
    },
    # Two incidents, a restart after the first of them; the second severity is new three minutes before the end.
    'tocsin_receiver_incidents_opened_total{tenant="acme", severity="critical"}': "3x100 4x60 _x20 1x59",
    'tocsin_receiver_incidents_opened_total{tenant="acme", severity="warning"}': "_x224 1x15",
    "tocsin_receiver_alerts_received_total": "0+4x240",
    'tocsin_receiver_alerts_suppressed_total{reason="flapping"}': "0+1x240",
    'tocsin_receiver_messages_total{channel="mail", state="dead"}': "0+1x240",
    f'tocsin:slo_error_budget_remaining:ratio{{{SLO}, service="shop"}}': "0.4x240",
    f'tocsin:slo_error_budget_remaining:ratio{{{SLO}, service="mail"}}': "-0.5x240",
    f"tocsin:slo_objective:ratio{{{SLO}}}": "0.99x240",
    # Of four incidents that one rule began half were taken; of it and another one nothing is known before minute 56.
    **{
        f'tocsin_receiver_rule_alerts_total{{alertname="PlayerSlow", owner="web", event="{event}"}}': f"_x224 {end}x15"
        for event, end in (("opened", 4), ("acknowledged", 2), ("unattended", 2))
    },
    'tocsin_receiver_rule_alerts_total{tenant="acme", alertname="DiskFills", event="opened"}': "_x224 1x15",
    'tocsin_receiver_pages_total{person="ann", channel="sms", hours="night"}': "_x224 1x8 2x7",
    'tocsin_receiver_pages_total{person="ann", channel="sms", hours="day"}': "5x240",
    'tocsin_receiver_pages_total{person="", channel="chat", hours="night"}': "_x224 1x15",
    # Three quarters of the streams sound well.
    'audio_quality_mos{region="eu", codec="opus", client="web"}': "4.4x240",
    'audio_quality_mos{region="eu", codec="mp3", client="web"}': "3.2x240",
    'audio_streams{region="eu", codec="opus", client="web"}': "300x240",
    'audio_streams{region="eu", codec="mp3", client="web"}': "100x240",
    'audio_playing_seconds_total{region="eu", codec="opus", client="web"}': "0+96x240",
    'audio_rebuffering_seconds_total{region="eu", codec="opus", client="web"}': "0+32x240",
    'audio_frames_decoded_total{region="eu", codec="opus", client="web"}': "0+1000000x240",
    'audio_codec_errors_total{region="eu", codec="opus", client="web"}': "0+70x240",
    'auth_logins_total{realm="shop", result="success"}': "0+30x240",
    'auth_logins_total{realm="shop", result="failure"}': "0+10x240",
    'certmanager_certificate_expiration_timestamp_seconds{name="web"}': "100000x240",
    'probe_ssl_earliest_cert_expiry{instance="https://shop.example"}': "13540x240",
    'vault_core_unsealed{instance="a"}': "1x240",
    'vault_core_unsealed{instance="b"}': "0x240",
    'prometheus_rule_group_last_duration_seconds{rule_group="a.yml;a"}': "6x240",
    'prometheus_rule_group_interval_seconds{rule_group="a.yml;a"}': "60x240",
}


def asked(title: str, index: int = 0) -> str:
    return [expr for found, expr in ASKED if found == title][index]


# (what it shows, panel, its nth query, what it answers)
ANSWERS: Sequence[tuple[str, str, int, Sequence[tuple[str, float]]]] = [
    ("series without a tenant are among all", "tenant: Tenants side by side", 0, [('{tenant="acme"}', 0.9), ("{}", 1)]),
    ("a service that never failed fails 0 %", "services: Failed requests", 0, [
        ('{service="shop"}', 0.1), ('{service="mail"}', 0),
    ]),
    ("alerts that told nobody are noise", "overview: Alerts that told nobody", 0, [("{}", 0.25)]),
    ("an incident of a new kind is counted", "overview: Incidents opened", 0, [
        ('{severity="critical"}', 0), ('{severity="warning"}', 1),
    ]),
    ("the heartbeat is no alert", "overview: Firing alerts", 0, [
        ('{severity="critical", tenant="acme"}', 1), ('{severity="warning"}', 1),
    ]),
    ("an objective below 0 is missed", "slos: Missed", 0, [("{}", 1)]),
    ("what was kept follows from budget and promise", "slos: Objectives by service", 1, [
        (f'{{{SLO}, service="shop"}}', 0.994), (f'{{{SLO}, service="mail"}}', 0.985),
    ]),
    ("a score of 1 or less is no anomaly", "anomalies: Anomalous series", 0, [("{}", 2)]),
    (
        "the band is that of the highest score among those that have one",
        "anomalies: The most unusual series: what was expected, and what is to come",
        1,
        [(f'tocsin_forecast_upper{{{US}, horizon="0s"}}', 6)],
    ),
    ("what nobody took is noise; a rule's first incidents are counted", "quality: Nobody took it", 0, [("{}", 0.4)]),
    ("a rule has one row for each owner", "quality: What became of each rule's alerts", 1, [
        ('{alertname="PlayerSlow", owner="web"}', 4), ('{alertname="DiskFills"}', 1),
    ]),
    ("who fires without an owner is counted by rule", "quality: Rules without an owner", 0, [("{}", 2)]),
    ("a group's cost is its share of the interval", "quality: Rule groups by cost", 0, [
        ('{rule_group="a.yml;a"}', 0.1),
    ]),
    ("pages at night count from the first one, channels' too", "incidents: Pages at night", 0, [("{}", 3)]),
    ("a channel is nobody", "incidents: Who is paged, and when", 0, [('{person="ann"}', 2)]),
    ("each stream counts once", "audio: Sound", 0, [("{}", 4.1)]),
    ("waiting is a share of all the time", "audio: Waiting in mid-stream by region", 0, [('{region="eu"}', 0.25)]),
    ("frames are counted in a million", "audio: Frames not decoded", 0, [("{}", 70)]),
    ("failed logins are a share of all", "security: Failed logins", 0, [("{}", 0.25)]),
    ("the certificate that ends first counts", "security: Next certificate ends in", 0, [("{}", 10_000)]),
    ("a vault that is sealed is counted", "security: Sealed vaults", 0, [("{}", 1)]),
    ("failures of five minutes are counted", "internals: Messages failed", 0, [("{}", 20)]),
    (
        "an alert has its worst severity",
        "internals: Alerts firing",
        0,
        [('{alertname="PlayerSlow"}', 3), ('{alertname="DiskFills"}', 2)],
    ),
]  # fmt: skip


@pytest.mark.real
def test_every_query_is_taken(promtool: Path, tmp_path: Path) -> None:
    """Both supported versions evaluate it; of nothing it tells nothing, unless it is guarded."""
    none: Sequence[tuple[str, float]] = ()
    nothing = [(f"count({expr})", none) for _, expr in ASKED if "vector(0)" not in expr]
    play(promtool, tmp_path, {}, nothing)


@pytest.mark.real
def test_a_quiet_stack_shows_zeros(promtool: Path, tmp_path: Path) -> None:
    """Where nothing has happened yet, each guarded query answers one 0, and not two or none."""
    zero = [(f"count({expr}) + sum({expr})", [("{}", 1.0)]) for _, expr in GUARDED]
    assert zero
    play(promtool, tmp_path, {}, zero)


@pytest.mark.real
@pytest.mark.parametrize(("title", "index", "answer"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
def test_a_query_means_what_its_panel_says(
    title: str, index: int, answer: Sequence[tuple[str, float]], promtool: Path, tmp_path: Path
) -> None:
    """The answer is the one that the panel's description promises."""
    play(promtool, tmp_path, SERIES, [(asked(title, index), answer)])


# (how many minutes have gone by, how many incidents are marked at that moment)
MARKED = [(25, 0), (25.25, 1), (25.5, 0), (45.25, 0), (45.5, 1), (46, 0), (56, 1), (57, 0)]


@pytest.mark.real
def test_incidents_are_marked_when_they_open(promtool: Path, tmp_path: Path) -> None:
    """One more, the first of its kind, and the first after a restart; nothing else is marked."""
    mark = asked("overview: Incidents")
    counted = f"count({mark}) or vector(0)"
    play(promtool, tmp_path, SERIES, [(counted, [("{}", count)]) for _, count in MARKED], [at for at, _ in MARKED])


def play(
    promtool: Path,
    folder: Path,
    series: Mapping[str, str],
    answers: Sequence[tuple[str, Sequence[tuple[str, float]]]],
    minutes: Sequence[float] = (),
) -> None:
    """Asks each expression after so many minutes, or at the end of the hour, and wants its answer."""
    expected = [
        {
            "expr": expr,
            "eval_time": f"{(minutes[place] if minutes else 59) * 60:.0f}s",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
        }
        for place, (expr, samples) in enumerate(answers)
    ]
    given = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "15s", "input_series": given, "promql_expr_test": expected}
    (folder / "unit.yml").write_text(json.dumps({"evaluation_interval": "15s", "tests": [test]}))
    run = [str(promtool), "test", "rules", "unit.yml"]
    tested = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
