"""The dashboards that ship: what their source makes, whole, and asking only for what exists."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from exporter import metrics as exporter_metrics
from grafana.source import panels as shapes
from grafana.source.files import CONFIG_MAPS, DASHBOARDS, FOLDER, written
from grafana.source.links import TAG, uid
from grafana.source.preview.units import UNITS
from grafana.source.queries import marks, panels, queries, substitute, values
from receiver import metrics as receiver_metrics
from receiver.heartbeats.watch import HeartbeatMetrics
from receiver.reconcile.reconciler import ReconcileMetrics
from receiver.reconcile.truncation import Truncation
from tocsin import promql

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(DASHBOARDS)
COLUMNS = 24
MOST_BYTES = 256 * 1024  # beyond it kubectl cannot note in an annotation what it applied
GRAFANA = {"__rate_interval", "__range", "__interval", "__all"}  # variables that Grafana itself has


def read(name: str) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return dashboard


def _exposed(registry: CollectorRegistry) -> set[str]:
    """Every name that a scrape of this registry could bring."""
    exposed = set()
    for family in registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        exposed |= {family.name + suffix for suffix in suffixes}
    return exposed


def _receivers() -> CollectorRegistry:
    """All that the receiver tells of itself, its parts included that are there only where they are configured."""
    registry = receiver_metrics.Metrics().registry
    ReconcileMetrics(registry)
    HeartbeatMetrics(registry)
    Truncation((), registry)
    return registry


EXPOSED = _exposed(_receivers()) | _exposed(exporter_metrics.Metrics().registry)
ASKED = [
    pytest.param(expr, id=f"{name}: {title}")
    for name in NAMES
    for title, expr in [*queries(read(name)), *marks(read(name))]
]


def test_the_files_are_what_their_source_makes() -> None:
    """The committed files, and no others, hold what the source makes now, byte for byte: `make dashboards`."""
    files = {path: path.read_text(encoding="utf-8") for folder in (FOLDER, CONFIG_MAPS) for path in folder.iterdir()}
    assert files == written()


@pytest.mark.parametrize("name", NAMES)
def test_a_config_map_holds_the_dashboard(name: str) -> None:
    """Where Grafana's sidecar looks for it: under the label, whole, and no larger than kubectl applies."""
    path = CONFIG_MAPS / f"{name}.yml"
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", made["metadata"]["name"])
    assert [json.loads(text) for text in made["data"].values()] == [read(name)]
    assert path.stat().st_size < MOST_BYTES


def test_a_dashboard_has_an_address_of_its_own() -> None:
    """Each uid is one that Grafana takes, that links name, and no two are equal."""
    uids = [read(name)["uid"] for name in NAMES]
    assert uids == [uid(name) for name in NAMES]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", one) for one in uids)


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
    """Each has a title of its own, units that exist, a legend for every series, and says what is normal."""
    shown = list(panels(read(name)))
    titles = [panel["title"] for panel in shown]
    assert all(titles)
    assert len(set(titles)) == len(titles)
    assert [panel["title"] for panel in shown if "Normal: " not in panel["description"]] == []
    assert {(panel["title"], unit) for panel in shown for unit in _units(panel) if unit not in UNITS} == set()
    targets = [target for panel in shown for target in panel["targets"]]
    assert targets
    assert [target["expr"] for target in targets if target["legendFormat"] in {"", "__auto"}] == []


@pytest.mark.parametrize(
    ("title", "description", "unit"), [("", "Normal: 0.", "s"), ("T", "x", "s"), ("T", "Normal: 0.", "")]
)
def test_a_panel_that_explains_nothing_is_not_made(title: str, description: str, unit: str) -> None:
    """Title, unit and what is normal are asked for before a panel is there."""
    with pytest.raises(ValueError, match="needs a title, a unit"):
        shapes.lines(title, description, shapes.Ask("up", "up"), unit=unit, width=6)


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_can_be_imported_anywhere(name: str) -> None:
    """Panels, queries, variables and marks ask the data source that the reader has chosen, and nothing is missing."""
    dashboard = read(name)
    assert "__inputs" not in dashboard
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asking = [one["datasource"] for panel in panels(dashboard) for one in (panel, *panel["targets"])]
    asking += [variable["datasource"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    asking += [one["datasource"] for mark in dashboard["annotations"]["list"] for one in (mark, mark["target"])]
    assert [one for one in asking if one != chosen] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_what_its_queries_and_links_name(name: str) -> None:
    """Every variable that is used is there, and every one that is there is used."""
    dashboard = read(name)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard)))
    links = {name for name in used if name.startswith(("__field", "__data", "__url_time_range"))}
    assert used - links - GRAFANA == variables


@pytest.mark.parametrize("name", NAMES)
def test_all_matches_series_without_the_label(name: str) -> None:
    """`All` of tenant, cluster and service asks for `.*`: a stack that lacks these labels is shown whole."""
    variables = {variable["name"]: variable for variable in read(name)["templating"]["list"]}
    scope = [variables[choice] for choice in ("tenant", "cluster", "service") if choice in variables]
    assert [one["name"] for one in scope if not (one["multi"] and one["includeAll"] and one["allValue"] == ".*")] == []
    assert [one["name"] for one in scope if one["current"]["value"] != "$__all"] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_dashboard_leads_to_the_others_and_to_incidents(name: str) -> None:
    """The list at the top takes time and choices along; the open incidents are one click away; incidents are marked."""
    dashboard = read(name)
    assert dashboard["tags"] == [TAG]
    [others, incidents] = dashboard["links"]
    assert (others["type"], others["tags"], others["includeVars"], others["keepTime"]) == (
        "dashboards",
        [TAG],
        True,
        True,
    )
    assert incidents["url"].startswith("${receiver}/api/v1/incidents")
    assert [mark["name"] for mark in dashboard["annotations"]["list"]] == ["Incidents"]


@pytest.mark.parametrize("name", NAMES)
def test_a_click_leads_to_a_dashboard_that_is_there(name: str) -> None:
    """What a link opens exists, and has the variables that it is told."""
    for url in set(
        re.findall(r'"(/d/[^"]+?)"', (FOLDER / f"{name}.json").read_text(encoding="utf-8").replace('\\"', "'"))
    ):
        target = next(read(other) for other in NAMES if url.startswith(f"/d/{uid(other)}?"))
        variables = {variable["name"] for variable in target["templating"]["list"]}
        assert {*re.findall(r"\$\{(\w+):queryparam\}", url), *re.findall(r"var-(\w+)=", url)} <= variables


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
    assert ours <= EXPOSED | documented


def test_the_longest_variable_is_replaced_first() -> None:
    """`$__range_s` is not `$__range` with two letters behind it; braces are read too."""
    given = {"a": "1", "a_b": "2"}
    assert substitute("$a_b + $a + ${a_b}", given) == "2 + 1 + 2"


@pytest.mark.parametrize("name", NAMES)
def test_variables_have_the_values_they_begin_with(name: str) -> None:
    """`All` stands for its pattern, a single choice for itself."""
    begun = values(read(name))
    assert {begun.get(choice, ".*") for choice in ("tenant", "cluster", "service")} == {".*"}
    assert begun.get("horizon", "1h") == "1h"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not beside and not below


def _units(panel: dict[str, Any]) -> set[str]:
    """Every unit of a panel, those of its columns too; none at all is the unit that does not exist."""
    overridden = [one for override in panel["fieldConfig"]["overrides"] for one in override["properties"]]
    of_columns = {one["value"] for one in overridden if one["id"] == "unit"}
    return {panel["fieldConfig"]["defaults"].get("unit", ""), *of_columns}


def _metrics(expr: str) -> set[str]:
    nodes = promql.walk(promql.parse(expr).tree)
    return {node.name for node in nodes if isinstance(node, promql_parser.VectorSelector) and node.name}
