"""The exporter's configuration file: what is promised, its defaults, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.assembly import model_of
from exporter.config import ExporterConfig, QuerySettings
from exporter.models.interest import Interest
from exporter.models.moment import Calendar
from tocsin.config import load
from tocsin.errors import InputError

TOCSIN = Path(sys.executable).with_name("tocsin")
GOOD = """prometheus:
  url: http://127.0.0.1:9090
queries:
  - name: player_latency
    expr: histogram_quantile(0.99, sum by (le, region) (rate(player_request_duration_seconds_bucket[5m])))
    step: 1m
    history: 14d
    horizons: [1h, 1d]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "exporter.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_promised_file(tmp_path: Path) -> None:
    """The file of the promise is read, and `tocsin config check` knows whose it is."""
    file = write(tmp_path, GOOD)
    config = load(file, ExporterConfig)
    assert config.prometheus.url == ("http://127.0.0.1:9090",)
    assert config.queries[0].horizons == (timedelta(hours=1), timedelta(days=1))
    ran = subprocess.run([TOCSIN, "config", "check", file], capture_output=True, text=True, check=True)
    assert "a valid exporter configuration" in ran.stdout


def test_defaults(tmp_path: Path) -> None:
    """Name and expression are enough; a list of servers is taken in its order."""
    urls = "[http://a:9090/, https://b/prometheus]"
    config = load(write(tmp_path, f"prometheus: {{url: {urls}}}\nqueries: [{{name: a, expr: up}}]\n"), ExporterConfig)
    query = config.queries[0]
    assert config.prometheus.url == ("http://a:9090", "https://b/prometheus")
    assert (query.step, query.history, query.horizons) == (timedelta(minutes=1), timedelta(days=14), ())


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("url:", "urls:", 2, "unknown key"),
        ("//127", "//me:word@127", 2, "name or password stands in the address"),
        ("step: 1m", "stepp: 1m", 6, "unknown key"),
        ("http://127", "127", 2, "not an http address"),
        ("step: 1m", "step: 0s", 6, "must be 1s or more"),
        ("step: 1m", "time_zone: Berlin", 6, "'Berlin' is not a time zone"),
        ("step: 1m", "minimum: 1\n    maximum: 0", 4, "minimum is not below maximum"),
        ("step: 1m", "direction: sideways", 6, "Input should be"),
        ("step: 1m", "false_alarms_per_month: 0", 6, "greater than 0"),
        ("step: 1m", "step: fast", 6, "is not a duration"),
        ("[1h, 1d]", "[1h, 30d]", 5, "does not fit the step"),
        ("[1h, 1d]", "[1h, 60m]", 5, "stands there twice"),
        ("queries:", "queries:\n  - {name: player_latency, expr: up}", 4, "player_latency stands there twice"),
        ("name: player_latency", "name: ''", 4, "pattern"),
        ("step: 1m", "thresholds: [{name: full}]", 6, "needs one of above and below"),
        ("step: 1m", "thresholds: [{name: a, above: 1}, {name: a, below: 0}]", 4, "a stands there twice"),
        ("step: 1m", "threshold_horizon: 30d", 4, "does not fit the step"),
        ("queries:", "rules: {prometheus: false}\nqueries:", 3, "names no rules"),
        ("queries:", "rules: {horizons: [8d]}\nqueries:", 3, "horizons are not usable"),
        ("queries:", "rules: {horizons: []}\nqueries:", 3, "horizons are not usable"),
    ],
)
def test_refused(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    """What cannot be meant is refused with its place and a way out."""
    with pytest.raises(InputError) as refused:
        load(write(tmp_path, GOOD.replace(old, new)), ExporterConfig)
    problem = next(p for p in refused.value.problems if said in p.message)
    assert abs(problem.at.line - line) <= 1
    assert problem.hint


def test_what_the_model_is_told() -> None:
    """A query's settings reach its model."""
    settings = {
        "time_zone": "Europe/Berlin",
        "holidays": ["2026-12-25"],
        "direction": "up",
        "minimum": 0,
        "least_deviation": 2,
        "least_share": 0.5,
        "false_alarms_per_month": 3,
    }
    model = model_of(QuerySettings.model_validate({"name": "a", "expr": "up", **settings}))
    assert model.interest == Interest(3, "up", 2, 0.5, (0, math.inf))
    assert model.calendar == Calendar(ZoneInfo("Europe/Berlin"), frozenset({date(2026, 12, 25)}))
