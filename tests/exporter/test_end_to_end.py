"""The real `tocsin exporter` beside the oldest Prometheus: history in, scores scraped, and both survive each other.

tests/acceptance/test_whole.py has it beside the current one.
"""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import real

TOCSIN = Path(sys.executable).with_name("tocsin")
PATIENCE_SECONDS = 150.0
SHOPS = 20

PROMETHEUS = """global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: tocsin
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
EXPORTER = """prometheus: {{url: ["http://127.0.0.1:1", "http://127.0.0.1:{port}"]}}
queries:
  - {{name: shops, expr: shop_requests, step: 1m, history: 10d, delay: 0s, horizons: [1h]}}
  - {{name: bad, expr: "rate(", step: 1m}}
  - {{name: nothing, expr: nothing_is_called_so, step: 1m}}
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def write_history(folder: Path, promtool: Path) -> None:
    """Ten days of a daily curve, one point a minute, up to now (blocks that reach further would shut scrapes out)."""
    end = int(time.time()) // 60 * 60
    lines = ["# TYPE shop_requests gauge"]
    for shop in range(SHOPS):
        for when in range(end - 10 * 86_400, end, 60):
            value = 100 + 40 * math.sin(2 * math.pi * when / 86_400) + (when // 60 * 7919 + shop) % 11
            lines.append(f'shop_requests{{shop="{shop}"}} {value:.3f} {when}')
    source = folder / "history.om"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
    subprocess.run([*command, source, folder / "data"], check=True, capture_output=True)


def commands(pair: real.Binaries, server: int, ours: int) -> tuple[list[object], list[object]]:
    """What starts Prometheus and the exporter on these ports."""
    prometheus = [
        pair.prometheus,
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address=127.0.0.1:{server}",
    ]
    run = [TOCSIN, "exporter", "run", "--config.file", "exporter.yml", "--web.listen-address", f"127.0.0.1:{ours}"]
    return prometheus, run


@contextmanager
def running(folder: Path, name: str, *command: object) -> Iterator[Path]:
    """A process of ours, and the file of what it says; ended with the block."""
    log = folder / f"{name}.log"
    with log.open("ab") as stream:
        process = subprocess.Popen([str(part) for part in command], stdout=stream, stderr=stream, cwd=folder)
        try:
            yield log
        finally:
            process.terminate()
            assert process.wait(30) == 0


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, ConnectionError):
        return ""


def count(port: int, expr: str) -> int:
    """What Prometheus counts of an expression."""
    answer = get(port, "/api/v1/query?" + urllib.parse.urlencode({"query": f"count({expr})"}))
    result = json.loads(answer)["data"]["result"] if answer else []
    return int(result[0]["value"][1]) if result else 0


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Asks the real parts until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.2)  # real processes have no clock that a test could move


@pytest.mark.slow
@pytest.mark.real
def test_scores_reach_prometheus(tmp_path: Path) -> None:
    """Down at the start, it is said; then history is read, scores and forecasts are scraped, bad queries told of."""
    pair = real.pair("oldest")
    server, ours = free_port(), free_port()
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.format(port=ours))
    (tmp_path / "exporter.yml").write_text(EXPORTER.format(port=server))
    write_history(tmp_path, pair.promtool)
    prometheus, run = commands(pair, server, ours)
    with running(tmp_path, "exporter", *run) as log:
        eventually("ready without Prometheus", lambda: "is ready" in get(ours, "/-/ready"))
        assert "cannot be reached" in log.read_text()
        with running(tmp_path, "prometheus", *prometheus):
            eventually("scores", lambda: count(server, 'tocsin_anomaly_score{query="shops"}') == SHOPS)
            eventually("forecasts", lambda: count(server, 'tocsin_forecast{query="shops",horizon="1h"}') == SHOPS)
            assert count(server, "tocsin_anomaly_score > 1") == 0
            for name, reason in (("bad", "refused"), ("nothing", "empty")):
                failure = f'tocsin_query_failures_total{{query="{name}",reason="{reason}"}}'
                eventually(failure, lambda sought=failure: sought in get(ours, "/metrics/self"))  # type: ignore[misc]
        assert "parse error: unclosed left parenthesis" in log.read_text()
    assert "stopped" in log.read_text()
    assert "Traceback" not in log.read_text()
