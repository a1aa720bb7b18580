"""What rests on what, and how it is drawn."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from generator.commands import rules
from generator.graph import mermaid, svg
from generator.graph.layout import layout
from generator.graph.model import Graph, Node, graph
from generator.pipeline import compile_packs
from generator.targets import rulefile
from tests.generator.packs import alert, compile_text, pack

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/graph"
DRAW = {"rules.mmd": mermaid.draw, "rules.svg": svg.draw}

CHAIN = """
- {record: "b:x", expr: "sum(a) + a offset 5m"}
- {record: "c:x", expr: 'rate({__name__="b:x"}[5m]) + c:x offset 1m'}
- alert: High
  promql: {expr: 'c:x > 1 or absent(a) or {job="z"}'}
  severity: info
  summary: It is high
"""


def chain(folder: Path) -> Graph:
    [compiled] = compile_text(pack(CHAIN), folder).packs
    return graph(compiled.rules)


def test_what_reads_what(tmp_path: Path) -> None:
    """Names are found in every selector, also by `__name__`; a rule's own past is no edge."""
    edges = {(source.name, reader.name) for source, reader in chain(tmp_path).edges}
    assert edges == {("a", "b:x"), ("b:x", "c:x"), ("c:x", "High"), ("a", "High"), ('{job="z"}', "High")}
    assert {node.name: node.kind for node in chain(tmp_path).nodes} == {
        "High": "alert", "a": "metric", "b:x": "record", "c:x": "record", '{job="z"}': "metric",
    }  # fmt: skip


def test_layers(tmp_path: Path) -> None:
    """Metrics stand left, alerts right; an edge that spans layers has a waypoint in each."""
    placed = layout(chain(tmp_path))
    named = [[place.name for place in layer if isinstance(place, Node)] for layer in placed.layers]
    assert [sorted(layer) for layer in named] == [["a", '{job="z"}'], ["b:x"], ["c:x"], ["High"]]
    assert sorted(map(len, placed.routes)) == [2, 2, 2, 4, 4]


def test_a_circle_ends() -> None:
    """Rules that read each other are drawn, too, and so is a chain longer than Python's stack."""
    ring = [Node("record", f"r{index:04}") for index in range(2000)]
    edges = tuple(sorted(pairwise([*ring, ring[0]])))
    assert len(layout(Graph(tuple(ring), edges)).layers) == 2000
    assert svg.draw(Graph((), ())).startswith("<svg ")


def test_boxes_do_not_overlap(tmp_path: Path) -> None:
    """The SVG is well-formed; every box stands alone, within the picture, and holds its text."""
    awkward = pack(CHAIN + alert("promql: {expr: '{a=\"<&>\"} > 0'}"))
    [compiled] = compile_text(awkward, tmp_path).packs
    root = ElementTree.fromstring(svg.draw(graph(compiled.rules)))
    boxes = []
    for group in root.findall(".//{*}g"):
        rect, text = group.find("{*}rect"), group.find("{*}text")
        assert rect is not None
        assert text is not None
        x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert len(text.text or "") * 7.2 < width
        assert x + width < float(root.attrib["width"])
        assert y + height < float(root.attrib["height"])
        boxes.append((x, y, x + width, y + height))
    assert len(boxes) == 7
    for index, (left, top, right, bottom) in enumerate(boxes):
        for x1, y1, x2, y2 in boxes[:index]:
            assert x2 < left or right < x1 or y2 < top or bottom < y1


def test_mermaid_escapes(tmp_path: Path) -> None:
    """Quotes and the like in a selector do not end the text of its node."""
    drawn = mermaid.draw(chain(tmp_path))
    assert '[("{job=#34;z#34;}")]:::metric' in drawn
    ids = set(re.findall(r"^  (n\d+)\W", drawn, re.M))
    assert {end for edge in re.findall(r"(n\d+) --> (n\d+)", drawn) for end in edge} <= ids


@pytest.mark.parametrize("name", sorted(DRAW))
def test_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph of our packs is the same bytes as ever."""
    monkeypatch.chdir(ROOT)
    packs = compile_packs([Path("rulepacks/node"), Path("tests/golden/packs")], rulefile.render).packs
    drawn = DRAW[name](graph([rule for one in packs for rule in one.rules]))
    if os.environ.get("TOCSIN_RENEW_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(drawn)
    assert drawn == (GOLDEN / name).read_text()


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed, or written to a file; what could be compiled is drawn beside errors, and the code says so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pack.yml").write_text(pack(CHAIN))
    run = CliRunner()
    assert run.invoke(rules, ["graph", "pack.yml"]).stdout.startswith("flowchart LR\n")
    assert run.invoke(rules, ["graph", "pack.yml", "--format", "svg", "-o", "x/rules.svg"]).exit_code == 0
    assert (tmp_path / "x/rules.svg").read_text().startswith("<svg ")
    assert "cannot be written" in str(run.invoke(rules, ["graph", "pack.yml", "-o", "pack.yml/x"]).exception)
    (tmp_path / "pack.yml").write_text(pack(CHAIN + alert("threshold: {expr: 'sum(', above: 1}")))
    outcome = run.invoke(rules, ["graph", "pack.yml"])
    assert outcome.exit_code == 1
    assert "High" in outcome.stdout
    assert "unclosed left parenthesis" in outcome.stderr


PLAIN = """
groups:
  - name: g
    rules:
      - {record: "b:x", expr: sum(a)}
      - {alert: High, expr: "b:x > 1"}
      - {alert: Bad, expr: "sum("}
"""
RESOURCE = """
kind: PrometheusRule
spec:
  groups:
    - name: g
      rules: [{alert: Low, expr: "b:x < 1"}]
"""


def test_rules_that_tocsin_did_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain rule files and PrometheusRules are drawn, alone and beside packs; what cannot be read is told."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"plain.yml": PLAIN, "resource.yml": RESOURCE, "pack.yml": pack(CHAIN), "x.yml": "a: b"}.items():
        (tmp_path / name).write_text(text)
    run = CliRunner()
    outcome = run.invoke(rules, ["graph", "plain.yml", "resource.yml"])
    assert outcome.exit_code == 1
    assert "unclosed left parenthesis" in outcome.stderr
    names = re.findall(r'\["?\(?\(?"([^"]+)"', outcome.stdout) + re.findall(r'\(\["([^"]+)"', outcome.stdout)
    assert set(names) >= {"a", "b:x", "High", "Low"}
    assert run.invoke(rules, ["graph", "resource.yml", "pack.yml"]).exit_code == 0
    outcome = run.invoke(rules, ["graph", "x.yml"])
    assert (outcome.exit_code, outcome.stdout) == (1, "")
