"""`tocsin rules import` of sloth's and OpenSLO's specifications, and `build --slo-naming sloth`, from end to end."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from generator.commands import rules
from tests.generator.test_openslo import WHOLE
from tests.generator.test_sloth import GOLDEN, SPEC
from tocsin import promql

SPECS = [GOLDEN / "getting-started.spec.yml", GOLDEN / "k8s-home-wifi.spec.yml"]


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(rules, [str(argument) for argument in arguments])


def _built(folder: Path) -> dict[str, list[dict[str, Any]]]:
    files = sorted(folder.glob("*.yml"))
    return {group["name"]: group["rules"] for file in files for group in yaml.safe_load(file.read_text())["groups"]}


def _trees(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**rule, "expr": promql.parse(rule["expr"]).text} for rule in found]


@pytest.mark.real
def test_from_a_specification_to_sloths_rules(promtool: Path, tmp_path: Path) -> None:
    """Imported and built, the published example gives the published rules, and Prometheus takes them."""
    packs, out = tmp_path / "packs", tmp_path / "rules"
    imported = _run("import", *SPECS, "-o", packs)
    assert imported.exit_code == 0, imported.output
    made = _run("build", packs, "-o", out, "--slo-naming", "sloth")
    assert made.exit_code == 0, made.output
    expected = yaml.safe_load((GOLDEN / "getting-started.rules.yml").read_text())["groups"]
    found = _built(out)
    assert len(found) == 3 + 5
    for group in expected:
        assert _trees(found[group["name"]]) == _trees(group["rules"])
    checked = subprocess.run(
        [promtool, "check", "rules", *out.glob("*.yml")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_pack_says_its_naming_itself(tmp_path: Path) -> None:
    """Then every command takes it: a build without the option is the build with it, and differs from it in nothing."""
    _run("import", SPECS[0], "-o", tmp_path / "packs")
    _run("build", tmp_path / "packs", "-o", tmp_path / "asked", "--slo-naming", "sloth")
    [pack] = (tmp_path / "packs").glob("*.yml")
    pack.write_text(pack.read_text().replace("  verbatim: true\n", "  verbatim: true\n  slo_naming: sloth\n"))
    assert _run("build", tmp_path / "packs", "-o", tmp_path / "said").exit_code == 0
    assert _built(tmp_path / "said") == _built(tmp_path / "asked")
    same = _run("diff", tmp_path / "packs", tmp_path / "asked")
    assert same.exit_code == 0, same.output


def test_the_pack_keeps_what_was_said(tmp_path: Path) -> None:
    """Comments and the description of an SLO stand above it; importing again changes nothing."""
    _run("import", SPECS[0], "-o", tmp_path)
    text = (tmp_path / "myservice.yml").read_text()
    assert "      # One request of a thousand may fail.\n" in text
    assert "      # Availability of HTTP responses.\n" in text
    assert "unchanged" in _run("import", SPECS[0], "-o", tmp_path).output
    assert (tmp_path / "myservice.yml").read_text() == text


@pytest.mark.parametrize(("name", "text", "slos"), [("sloth", SPEC, 1), ("openslo", WHOLE, 2)])
def test_the_format_is_recognised_or_given(name: str, text: str, slos: int, tmp_path: Path) -> None:
    """Either way the same packs come of it."""
    (tmp_path / "spec.yml").write_text(text)
    for number, option in enumerate([[], ["--format", name]]):
        done = _run("import", tmp_path / "spec.yml", "-o", tmp_path / str(number), "--report", "json", *option)
        assert done.exit_code == 0, done.output
        [pack] = json.loads(done.stdout)["packs"]
        assert pack["rules"] == slos
    [one], [other] = ([file.read_text() for file in (tmp_path / str(n)).glob("*.yml")] for n in range(2))
    assert one == other


def test_a_bad_specification_fails(tmp_path: Path) -> None:
    """What cannot be kept is told with its place, and the exit code says so."""
    (tmp_path / "spec.yml").write_text(SPEC.replace("objective: 99", "objective: 100"))
    done = _run("import", tmp_path / "spec.yml", "-o", tmp_path / "packs")
    assert done.exit_code == 1
    assert f"{tmp_path / 'spec.yml'}:5:16: error: orders: objective: an objective of 100 %" in done.output


def test_a_build_under_other_names_is_another_build(tmp_path: Path) -> None:
    """What is kept of an earlier build is found again under the same naming alone."""
    _run("import", SPECS[0], "-o", tmp_path / "packs")
    seen = []
    for naming in ("tocsin", "sloth", "tocsin", "sloth"):
        made = _run("build", tmp_path / "packs", "-o", tmp_path / "out", "--slo-naming", naming)
        assert made.exit_code == 0, made.output
        seen.append(any(name.startswith("sloth-slo") for name in _built(tmp_path / "out")))
    assert seen == [False, True, False, True]


TENANT = """\
apiVersion: tocsin/v1alpha1
kind: Tenant
metadata: {name: acme}
packs: [myservice]
matchers: {customer: acme}
rules: {requests-availability: {objective: 99.5, page: {labels: {severity: phone}}}}
"""


def test_sloths_names_for_a_tenant(tmp_path: Path) -> None:
    """Every rule bears the tenant; raw series are selected by its matchers, recorded ones by its label."""
    _run("import", SPECS[0], "-o", tmp_path / "packs")
    (tmp_path / "acme.yml").write_text(TENANT)
    made = _run("build", tmp_path / "packs", tmp_path / "acme.yml", "-o", tmp_path / "out", "--slo-naming", "sloth")
    assert made.exit_code == 0, made.output
    groups = _built(tmp_path / "out")
    assert {rule["labels"]["tenant"] for found in groups.values() for rule in found} == {"acme"}
    windows = groups["sloth-slo-sli-recordings-myservice-requests-availability"]
    assert windows[0]["expr"].count('customer="acme"') == 2
    assert windows[-1]["expr"].count('tenant="acme"') == 2
    page, _ = groups["sloth-slo-alerts-myservice-requests-availability"]
    assert page["expr"].count('tenant="acme"') == 4
    assert "(14.4 * 0.005)" in page["expr"]
    assert page["labels"]["severity"] == "phone"


PAGE = Path(__file__).resolve().parents[2] / "docs/reference/import-slo.md"


@pytest.mark.parametrize("example", [0, 1], ids=["sloth", "openslo"])
def test_the_page_shows_what_is_imported(example: int, tmp_path: Path) -> None:
    """Each example of the page becomes the pack that stands behind it, which builds under either naming."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "spec.yml").write_text(blocks[2 * example])
    assert _run("import", tmp_path / "spec.yml", "-o", tmp_path / "packs").exit_code == 0
    [pack] = (tmp_path / "packs").glob("*.yml")
    assert pack.read_text().split("\n", 1)[1] == blocks[2 * example + 1]
    for naming in ("tocsin", "sloth"):
        made = _run("build", tmp_path / "packs", "-o", tmp_path / naming, "--slo-naming", naming)
        assert made.exit_code == 0, made.output
