"""`tocsin rules templates`: the list, a template's page, and that what it shows builds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from generator.commands import rules
from generator.schema import About
from generator.slo.schema import Slo
from generator.template_catalogue import entries
from generator.templates import TEMPLATES
from tests.generator.packs import compile_text

ENTRIES = entries()


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(rules, ["templates", *arguments])
    return result.exit_code, result.stdout + result.stderr


def test_the_list_names_every_template_with_an_example() -> None:
    """Two lines a template: what it says, and its key with the facts of the example, as YAML."""
    code, out = _run()
    lines = out.splitlines()
    assert code == 0
    assert [line.partition(":")[0] for line in lines[::2]] == [*TEMPLATES, "slo"]
    for line, (name, template) in zip(lines[1::2], TEMPLATES.items(), strict=False):
        assert yaml.safe_load(line) == {name: yaml.safe_load(template.example)[0][name]}
    assert yaml.safe_load(lines[-1]) == yaml.safe_load(Slo.example)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_what_a_template_prints_is_a_pack_that_builds(name: str, tmp_path: Path) -> None:
    """The page can be written to a file as it stands; its comments name each fact."""
    code, out = _run(name)
    assert code == 0
    assert compile_text(out, tmp_path).problems == ()
    fields = TEMPLATES[name].model_fields if name in TEMPLATES else Slo.model_fields.keys() - About.model_fields.keys()
    assert [fact for fact in fields if f"\n# {fact} " not in out] == []


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_template_says_what_it_takes(name: str) -> None:
    """There is a summary, and each fact has a kind and a line of its own."""
    found = ENTRIES[name]
    assert found.summary.endswith(".")
    assert [fact.name for fact in found.facts if not (fact.kind and fact.doc)] == []


def test_units_and_defaults_are_shown() -> None:
    """A fact shows its unit, and a default as a pack would write it."""
    _, out = _run("saturation")
    assert "# full_within  (duration; default 1d) how soon" in out
    assert "# used_above   (number, share of 1; default 0.5) the use" in out
    assert "# capacity     (PromQL; required) how much" in out
    _, out = _run("slo")
    assert "# period         (duration; default 30d) the rolling time" in out
    assert "# default_tiers  (true|false; default true) false: only" in out


def test_templates_as_json() -> None:
    """Scripts read the same."""
    code, out = _run("range", "--format", "json")
    [found] = json.loads(out)["templates"]
    assert code == 0
    assert found["name"] == "range"
    assert found["facts"][1] == {
        "name": "low",
        "kind": "number",
        "unit": "of expr",
        "required": True,
        "default": None,
        "doc": "the lower limit",
    }


def test_an_unknown_template_is_refused() -> None:
    """Exit code 2, and what was likely meant."""
    code, out = _run("saturtion")
    assert code == 2
    assert "did you mean 'saturation'?" in out
