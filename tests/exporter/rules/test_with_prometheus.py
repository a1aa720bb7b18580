"""A real Prometheus, its rules, the exporter beside it: a generated alert fires before the one that it foretells."""

from __future__ import annotations

import math
import subprocess
import time
from pathlib import Path

import pytest

from tests import real
from tests.exporter.test_end_to_end import TOCSIN, commands, count, eventually, free_port, get, running

DAYS = 10
PROMETHEUS = """global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml, built/*.yml]
scrape_configs:
  - job_name: tocsin
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
RULES = """groups:
  - name: shop
    interval: 1m
    rules:
      - {alert: ShopBusy, expr: 125 < shop_requests, for: 10m, labels: {severity: critical}}
      - {alert: ShopGone, expr: absent(shop_requests)}
"""
PACK = """apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: foresight}
groups:
  - name: foresight
    rules:
      - alert: ShopBusyLikely
        forecast: {rule: ShopBusy, horizon: 4h, probability: 0.8}
        severity: warning
        summary: Shop {{ $labels.shop }} will be too busy
      - alert: ShopBusyInAnHour
        forecast: {rule: ShopBusy, horizon: 1h, probability: 0.8}
        severity: warning
        summary: Shop {{ $labels.shop }} will be too busy
      - alert: ShopAboveInThreeHours
        forecast: {query: shops, horizon: 3h, above: 120}
        severity: warning
        summary: Shop {{ $labels.shop }} will be too busy
      - alert: ShopFullSoon
        forecast: {query: shops, threshold: full, horizon: 4h}
        severity: warning
        summary: Shop {{ $labels.shop }} will be full
"""
EXPORTER = """prometheus: {{url: "http://127.0.0.1:{port}"}}
queries:
  - {{name: shops, expr: shop_requests, step: 1m, history: 10d, delay: 0s, horizons: [3h],
      thresholds: [{{name: full, above: 125}}]}}
rules: {{horizons: [1h, 4h], history: 10d, delay: 0s}}
"""


def write_history(folder: Path, promtool: Path) -> None:
    """A daily curve around 100 that begins to rise now and is above 125 in about two and a half hours."""
    end = int(time.time()) // 60 * 60
    lines = ["# TYPE shop_requests gauge"]
    for shop in range(2):
        for when in range(end - DAYS * 86_400, end, 60):
            value = 100 + 40 * math.sin(2 * math.pi * (when - end) / 86_400) + (when // 60 * 7919 + shop) % 11 / 5
            lines.append(f'shop_requests{{shop="{shop}"}} {value:.3f} {when}')
    source = folder / "history.om"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
    subprocess.run([*command, source, folder / "data"], check=True, capture_output=True)


@pytest.mark.slow(seconds=60)
@pytest.mark.real
def test_the_generated_alert_fires_first(tmp_path: Path) -> None:
    """A rule with `for` is read from Prometheus, its breach foretold, and the template's alert fires upon it."""
    pair = real.pair("oldest")
    server, ours = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.format(port=ours))
    (tmp_path / "exporter.yml").write_text(EXPORTER.format(port=server))
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "pack.yaml").write_text(PACK)
    build = [str(TOCSIN), "rules", "build", "pack.yaml", "-o", "built"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    write_history(tmp_path, pair.promtool)
    prometheus, run = commands(pair, server, ours)
    with running(tmp_path, "prometheus", *prometheus):
        eventually("Prometheus", lambda: "Ready" in get(server, "/-/ready"))
        with running(tmp_path, "exporter", *run) as log:
            labels = 'rule="ShopBusy",rule_group="shop",severity="critical"'
            breach = f"tocsin_breach_probability{{{labels}}}"
            eventually("probabilities", lambda: count(server, breach) == 4)
            for alert in ("ShopBusyLikely", "ShopAboveInThreeHours", "ShopFullSoon"):
                firing = f'ALERTS{{alertname="{alert}",alertstate="firing",shop=~"0|1"}}'
                eventually(firing, lambda sought=firing: count(server, sought) == 2)  # type: ignore[misc]
            assert count(server, 'ALERTS{alertname=~"ShopBusyInAnHour|ShopBusy"}') == 0
            own = get(ours, "/metrics/self")
            assert 'tocsin_exporter_rules{reason=""} 1.0' in own
            assert 'tocsin_exporter_rules{reason="own"} 4.0' in own
            assert 'tocsin_exporter_rules{reason="no_comparison"} 1.0' in own
            listed = [str(TOCSIN), "exporter", "rules", "--config.file", "exporter.yml"]
            shown = subprocess.run(listed, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
            assert shown.startswith("shop/ShopBusy (critical): shop_requests > 125, for 10m")
    assert "Traceback" not in log.read_text()
