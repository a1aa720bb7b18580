"""The dashboards that ship: what their source makes, whole, and asking only for what exists."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client import CollectorRegistry

from exporter import metrics as exporter_metrics
from grafana.source.files import DASHBOARDS, FOLDER, text
from grafana.source.queries import panels, queries, substitute
from receiver import metrics as receiver_metrics
from tocsin import promql

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(DASHBOARDS)
COLUMNS = 24
GUARANTEED = {"datasource", "query", "__rate_interval", "__range", "__interval"}  # ours, and Grafana's own


def read(name: str) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return dashboard


def titled(name: str) -> list[tuple[str, str]]:
    return queries(read(name))


ASKED = [pytest.param(expr, id=f"{name}: {title}") for name in NAMES for title, expr in titled(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_what_its_source_makes(name: str) -> None:
    """The committed file equals what the source makes now, byte for byte; `make dashboards` renews it."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(DASHBOARDS[name]())


def test_every_file_has_a_source() -> None:
    """No dashboard lies in the folder that nothing makes."""
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{name}.json" for name in NAMES]


def test_a_dashboard_has_an_address_of_its_own() -> None:
    """Each uid is one that Grafana takes, and no two are equal."""
    uids = [read(name)["uid"] for name in NAMES]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid) for uid in uids)


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_side_by_side(name: str) -> None:
    """Panels and headings keep within 24 columns, overlap nowhere and fill each line to its end."""
    places = [panel["gridPos"] for panel in read(name)["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    assert [pair for pair in combinations(places, 2) if _overlap(*pair)] == []
    tops = {place["y"] for place in places}
    assert {top: sum(place["w"] for place in places if place["y"] == top) for top in tops} == dict.fromkeys(
        tops, COLUMNS
    )


@pytest.mark.parametrize("name", NAMES)
def test_panels_are_numbered(name: str) -> None:
    """No two panels share the number that links name them by."""
    numbers = [panel["id"] for panel in read(name)["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert all(number > 0 for number in numbers)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_explains_itself(name: str) -> None:
    """Each has a title of its own, a unit, a legend for every series, and says what is normal."""
    shown = list(panels(read(name)))
    titles = [panel["title"] for panel in shown]
    assert all(titles)
    assert len(set(titles)) == len(titles)
    assert [panel["title"] for panel in shown if "Normal: " not in panel["description"]] == []
    assert [panel["title"] for panel in shown if not panel["fieldConfig"]["defaults"].get("unit")] == []
    targets = [target for panel in shown for target in panel["targets"]]
    assert targets
    assert [target["expr"] for target in targets if target["legendFormat"] in {"", "__auto"}] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_can_be_imported_anywhere(name: str) -> None:
    """Panels and queries ask the data source that the reader has chosen, and know no other variables."""
    dashboard = read(name)
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(dashboard):
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [
            chosen,
            *[chosen] * len(panel["targets"]),
        ]
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", " ".join(t["expr"] for p in panels(dashboard) for t in p["targets"])))
    assert variables == {"datasource", "query"}
    assert used <= GUARANTEED


@pytest.mark.parametrize("expr", ASKED)
def test_a_query_parses(expr: str) -> None:
    """With values in the place of Grafana's variables each expression is PromQL."""
    assert "$" not in expr
    promql_parser.parse(expr)


@pytest.mark.parametrize("expr", ASKED)
def test_a_query_asks_for_what_exists(expr: str) -> None:
    """Each metric of Tocsin's that is named is in a registry, or on the exporter's page."""
    ours = {metric for metric in _metrics(expr) if metric.startswith("tocsin_")}
    page = (ROOT / "docs/reference/exporter.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(tocsin_\w+)", page, re.MULTILINE))
    exposed = _exposed(receiver_metrics.Metrics().registry) | _exposed(exporter_metrics.Metrics().registry)
    assert ours <= exposed | documented


def test_the_longest_variable_is_replaced_first() -> None:
    """`$__range_s` is not `$__range` with two letters behind it; braces are read too."""
    values = {"$a": "1", "$a_b": "2"}
    assert substitute("$a_b + $a + ${a_b}", values) == "2 + 1 + 2"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not below


def _metrics(expr: str) -> set[str]:
    nodes = promql.walk(promql.parse(expr).tree)
    return {node.name for node in nodes if isinstance(node, promql_parser.VectorSelector) and node.name}


def _exposed(registry: CollectorRegistry) -> set[str]:
    """Every name that a scrape of this registry could bring."""
    exposed = set()
    for family in registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        exposed |= {family.name + suffix for suffix in suffixes}
    return exposed
