"""The catalogue: what people read of the rules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from generator.catalogue.files import HEADER, catalogue
from generator.catalogue.functions import ordinal
from generator.catalogue.markdown import code, link, message, plain
from generator.catalogue.words import words
from generator.commands import rules
from generator.output import write
from generator.pipeline import compile_packs
from generator.targets import rulefile
from tests.generator.packs import HEAD, alert, compile_text, pack
from tocsin import promql

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/catalogue"


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("up == 0", "`up` is 0"),
        ('rate(x{a=~"b.*"}[5m]) > 1e3', 'the rate of `x` where a matches "b.*" over 5m per second is above 1000'),
        ('x{a!="",b=""}', "`x` where a is present and b is missing"),
        ("100 * (1 - a) > 90", "100 times (1 minus `a`) is above 90"),
        ("a > 1 and b < 2", "`a` is above 1, and at the same time `b` is below 2"),
        ("a > bool 2", "1 where `a` is above 2, else 0"),
        ("a / on (job) group_left () b", "`a` divided by `b` (of the same job)"),
        ("a * ignoring (x) b", "`a` times `b` (whatever the x)"),
        ("sum by (a, b) (x)", "the sum of `x` by a, b"),
        ("max without (a) (x)", "the greatest of `x` over all a"),
        ("topk(3, -x offset 5m)", "the 3 largest of minus `x` 5m ago"),
        ("x offset -1h", "`x` 1h ahead"),
        ("x @ end()", "`x` at end()"),
        ('{__name__="x",a!~"b"}', '`x` where a does not match "b"'),
        ('{__name__=~"x.*"}', 'every series where its name matches "x.*"'),
        ("max_over_time(x[1h:5m])", "the greatest of `x` over 1h (looked at every 5m)"),
        ("histogram_quantile(0.99, x)", "the 99th percentile in `x`"),
        ("predict_linear(x[3h], 86400) < 0", "what `x` over 3h leads to in 1d is below 0"),
        ("a + clamp_min(b, 2) > 1", "`a` plus (`b`, but at least 2) is above 1"),
        ('absent(up{job="`"})', "no series of `up` where job is \"'\""),
        ("time() - x", "the time now minus `x`"),
        ("deg(x)", "deg(`x`)"),
    ],
)  # fmt: skip
def test_promql_in_words(expr: str, said: str) -> None:
    """Each kind of node has its words; a function without any is written as it is."""
    assert words(promql.parse(expr).tree) == said


def test_percentiles() -> None:
    """Shares of 1 as people call them."""
    assert [ordinal(share) for share in (0.5, 0.91, 0.92, 0.93, 0.11, 0.999)] == [
        "50th", "91st", "92nd", "93rd", "11th", "99.9th",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CPU of {{ $labels.instance }}", "CPU of ‹instance›"),
        ('{{ $value | printf "%.0f" }}%', "‹value›%"),
        ('{{ with query "up" }}x{{ end }}', '`{{ with query "up" }}`x`{{ end }}`'),
        ("a_b *c* [d](e) <f> | `g`", r"a\_b \*c\* \[d\](e) \<f\> \| \`g\`"),
        ("# no heading", r"\# no heading"),
        ("1. no list", r"\1. no list"),
    ],
)
def test_messages(text: str, shown: str) -> None:
    """What a template puts in is named; nothing else is taken for Markdown."""
    assert message(text) == shown


def test_what_could_end_a_cell_or_a_link() -> None:
    """Bars, backquotes and brackets stay what they are."""
    assert code("a|`b`") == r"`` a\|`b` ``"
    assert plain("a | b\nc") == r"a \| b c"
    assert link("Runbook", "https://x.org/a b(c)") == "[Runbook](https://x.org/a%20b%28c%29)"
    assert link("Runbook", "javascript:alert(1)") == "Runbook: `javascript:alert(1)`"
    assert link("Runbook", "https://x.org/{{ $labels.job }}") == "Runbook: `https://x.org/{{ $labels.job }}`"


def test_golden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of our packs is the same bytes as ever; a change shows in review."""
    monkeypatch.chdir(ROOT)
    files = catalogue(compile_packs([Path("rulepacks/node"), Path("tests/golden/packs")], rulefile.render).packs)
    if os.environ.get("TOCSIN_RENEW_GOLDEN"):
        for path in write(files, GOLDEN, header=HEADER, suffix=".md").stale:
            path.unlink()
    assert {file.name: file.text for file in files} == {page.name: page.read_text() for page in GOLDEN.iterdir()}


def test_links_lead_somewhere(tmp_path: Path) -> None:
    """Every link of a page is an address, a page that is there, or a heading of the page; headings may repeat."""
    twice = pack(alert("heartbeat:", runbook="https://example.org/x") + "\n" + alert("heartbeat:", severity="warning"))
    files = catalogue(compile_text(twice.replace("name: group", "name: Alerts & `more`"), tmp_path).packs)
    pages = {file.name: file.text for file in files} | {page.name: page.read_text() for page in GOLDEN.iterdir()}
    assert {"README.md", "test.md"} <= set(pages)
    for name, text in pages.items():
        targets = re.findall(r"(?<!\\)\]\(([^)]+)\)", text)
        assert targets, name
        for target in targets:
            known = (
                target.startswith(("https://", "http://"))
                or target in pages
                or target.removeprefix("#") in _anchors(text)
            )
            assert known, (name, target)
    assert "(#test-1)" in pages["test.md"]
    assert "(#test-2)" in pages["test.md"]


def test_inherited_parameters_have_their_row(tmp_path: Path) -> None:
    """A pack that extends another shows all parameters that it has, with the value it gives them."""
    declared = "{limit: {default: 5, max: 9, doc: how much}, job: {default: api, doc: whose}}"
    base = pack(alert("threshold: {expr: 'x{job=\"$(job)\"}', above: $(limit)}"), declared)
    more = "extends: [test]\nparams: {limit: 7, more: {default: 1, doc: z}}\n"
    own = HEAD.replace("name: test", "name: own") + more
    for name, text in {"base": base.replace("owner:", "abstract: true, owner:"), "own": own}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    [_, page] = catalogue(compile_packs([tmp_path / "base.yml", tmp_path / "own.yml"], rulefile.render).packs)
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| *\| (.*?) *\| (\w.*) \|$", page.text, re.M)
    assert rows == [("limit", "7", "at most 9", "how much"), ("job", "api", "", "whose"), ("more", "1", "", "z")]


def _anchors(text: str) -> list[str]:
    """The headings' anchors as GitHub's renderer makes them, of what a heading shows."""
    anchors: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M):
        shown = re.sub(r"\\(.)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        anchors.append(anchor if anchor not in anchors else f"{anchor}-{anchors.count(anchor)}")
        while anchors.count(anchors[-1]) > 1:
            stem, _, number = anchors[-1].rpartition("-")
            anchors[-1] = f"{stem}-{int(number) + 1}"
    return anchors


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes what changed, keeps people's own pages, and writes nothing beside an error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pack.yml").write_text(pack(alert("heartbeat:")))
    run = CliRunner()
    assert run.invoke(rules, ["docs", "pack.yml", "-o", "pages"]).stdout == "wrote 2 pages to pages/ (0 unchanged)\n"
    assert run.invoke(rules, ["docs", "pack.yml", "-o", "pages"]).stdout == "wrote 0 pages to pages/ (2 unchanged)\n"
    (tmp_path / "pages/test.md").write_text("mine")
    assert "was not generated by tocsin" in str(run.invoke(rules, ["docs", "pack.yml", "-o", "pages"]).exception)
    (tmp_path / "pack.yml").write_text(pack(alert("threshold: {expr: 'sum(', above: 1}")))
    outcome = run.invoke(rules, ["docs", "pack.yml", "-o", "other"])
    assert (outcome.exit_code, outcome.stdout) == (1, "wrote nothing: 1 error\n")
    assert not (tmp_path / "other").exists()
