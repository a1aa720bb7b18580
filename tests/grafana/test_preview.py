"""How pictures are made of dashboards: numbers, names, places and times as Grafana has them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from grafana.source.files import DASHBOARDS
from grafana.source.preview.__main__ import PICTURES
from grafana.source.preview.asking import Answer, Curve
from grafana.source.preview.fields import fields, look_of
from grafana.source.preview.placing import placed
from grafana.source.preview.units import written
from grafana.source.preview.window import Window, window

MOST_BYTES = 250_000

NUMBERS = [
    (0.0, "short", None, "0"),
    (1234.0, "short", None, "1.23 K"),
    (2_500_000.0, "short", None, "2.5 Mil"),
    (0.9876, "percentunit", 1, "98.8%"),
    (0.25, "percentunit", None, "25%"),
    (90.0, "s", None, "1.5 mins"),
    (0.0042, "s", None, "4.2 ms"),
    (0.0, "s", None, "0 s"),
    (86_400.0 * 3, "s", None, "3 days"),
    (float("inf"), "s", None, "∞"),
    (float("nan"), "s", None, "NaN"),
    (3 * 2**30, "bytes", None, "3 GiB"),
    (12.34, "reqps", None, "12.3 req/s"),
    (196_000.0, "bps", None, "196 kb/s"),
]


@pytest.mark.parametrize(("value", "unit", "decimals", "text"), NUMBERS)
def test_a_number_is_written_with_its_unit(value: float, unit: str, decimals: int | None, text: str) -> None:
    """As Grafana's panels write it."""
    assert written(value, unit, decimals) == text


def test_the_time_shown_may_end_after_now() -> None:
    """A panel of what is now ends now, whatever the dashboard's time is."""
    shown = window({"from": "now-6h", "to": "now+1h"}, 100_000, 15)
    assert (shown.start, shown.end) == (100_000 - 6 * 3600, 100_000 + 3600)
    assert shown.of_panel({"timeFrom": "2h"}) == Window(100_000 - 2 * 3600, 100_000, 100_000, 15)
    assert shown.of_panel({}) == shown


def test_rates_are_counted_over_four_scrapes_at_least() -> None:
    """`$__rate_interval` is the step and a scrape, or four scrapes, whichever is longer; steps are never shorter."""
    assert Window(0, 3600, 3600, 15).variables(24)["__rate_interval"] == "60s"
    assert Window(0, 3600, 3600, 15).step(24) == 15
    assert Window(0, 7 * 86_400, 7 * 86_400, 15).variables(24) == {
        "__rate_interval": "615s",
        "__interval": "600s",
        "__range": "604800s",
    }


def panel(title: str, top: int, **more: Any) -> dict[str, Any]:
    return {"type": "stat", "title": title, "gridPos": {"x": 0, "y": top, "w": 24, "h": 4}, **more}


def test_a_row_that_repeats_is_there_for_each_value() -> None:
    """One below the other, with the value in titles; what comes after is pushed down."""
    row = {"type": "row", "title": "$service", "repeat": "service", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}}
    last = {"type": "row", "title": "Last", "gridPos": {"x": 0, "y": 5, "w": 24, "h": 1}}
    dashboard = {"panels": [row, panel("Requests to $service", 1), last, panel("End", 6)]}
    found = placed(dashboard, {"service": ["a", "b"]})
    assert [(one.title, one.top) for one in found] == [
        ("a", 0), ("Requests to a", 1), ("b", 5), ("Requests to b", 6), ("Last", 10), ("End", 11),
    ]  # fmt: skip
    assert [one.values for one in found[2:4]] == [{"service": "b"}] * 2


CONFIG = {
    "fieldConfig": {
        "defaults": {
            "unit": "s",
            "custom": {"lineWidth": 2},
            "mappings": [{"type": "value", "options": {"0": {"text": "idle", "color": "green", "index": 0}}}],
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": None, "color": "green"}, {"value": 5, "color": "red"}],
            },
        },
        "overrides": [
            {"matcher": {"id": "byName", "options": "a"}, "properties": [{"id": "custom.lineWidth", "value": 0}]},
            {"matcher": {"id": "byRegexp", "options": "b.*"}, "properties": [{"id": "unit", "value": "bytes"}]},
        ],
    }
}


def test_overrides_hold_for_the_names_they_match() -> None:
    """By the whole name, or by a pattern of the whole name."""
    assert look_of(CONFIG, "a").get("custom.lineWidth") == 0
    assert look_of(CONFIG, "ab").get("custom.lineWidth") == 2
    assert look_of(CONFIG, "bc").get("unit") == "bytes"
    assert look_of(CONFIG, "ab").get("unit") == "s"


def test_values_have_words_and_colours() -> None:
    """A mapped value is told in its word; others are coloured by the highest threshold that is not above them."""
    look = look_of(CONFIG, "a")
    assert (look.text(0), look.text(7)) == ("idle", "7 s")
    assert (look.step_of(4.9), look.step_of(5)) == ("green", "red")


def test_series_are_called_as_their_legend_says() -> None:
    """Labels that are absent leave nothing behind."""
    curve = Curve({"service": "player"}, np.array([1.0]), np.array([2.0]))
    [field] = fields(CONFIG, [Answer({"legendFormat": "{{query}} {{service}} {{region}}"}, [curve])])
    assert field.name == "player"


def test_every_dashboard_has_a_picture_in_the_docs() -> None:
    """Each stands in docs/dashboards under its name and its title, and is small; `make dashboard-previews` draws it."""
    page = (PICTURES / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in PICTURES.glob("*.png")} == set(DASHBOARDS)
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [str(make().title) for make in DASHBOARDS.values()]
    assert re.findall(r"\((\w+)\.png\)", page) == list(DASHBOARDS)
    assert max(path.stat().st_size for path in PICTURES.glob("*.png")) < MOST_BYTES
