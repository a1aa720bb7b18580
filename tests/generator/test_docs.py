"""The reference pages say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.alerts import ALERT_KEYS
from generator.checks import CHECKS
from generator.lifecycle import State
from generator.schema import GroupHead, Head, Param, Record
from generator.slo.schema import Slo, Tier
from generator.slo.sli_schema import ErrorRatio, Latency, Requests, TimeSlices
from generator.slo.tiers import DEFAULTS
from generator.targets import TARGETS
from generator.templates import TEMPLATES
from tests.generator.packs import compile_text, pack
from tocsin import promql
from tocsin.config import Settings
from tocsin.http_config import Authorization, BasicAuth, Header, HttpConfig
from tocsin.oauth2 import OAuth2
from tocsin.tls import Tls

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference"
GUIDE = REFERENCE / "rulepacks.md"


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_examples_of_a_template_compile_to_what_its_page_says(name: str, tmp_path: Path) -> None:
    """Each template's page has examples without problems, and shows the expression and the records they become."""
    page = REFERENCE / "templates" / f"{name}.md"
    examples, expressions = _blocks(page, "yaml"), _blocks(page, "promql")
    assert examples
    for example, expression in zip(examples, expressions, strict=True):
        compiled = compile_text(pack(example), tmp_path)
        assert compiled.problems == ()
        [*records, rule] = compiled.packs[0].rules
        assert rule.template == name
        assert rule.expr.text == promql.parse(expression).text
        rows = [f"| `{record.name}` | `{' '.join(record.expr.text.split())}` |" for record in records]
        assert [row for row in rows if row not in page.read_text()] == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_page_of_a_template_begins_with_its_example(name: str) -> None:
    """What `tocsin rules templates` shows is what the page explains."""
    assert _blocks(REFERENCE / "templates" / f"{name}.md", "yaml")[0] == TEMPLATES[name].example


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_key_of_a_template_is_documented(name: str) -> None:
    """The page of a template names each of its keys."""
    text = (REFERENCE / "templates" / f"{name}.md").read_text()
    assert [key for key in TEMPLATES[name].model_fields if f"`{key}`" not in text] == []


def test_every_template_and_check_has_its_page_and_no_page_is_left_over() -> None:
    """Pages and registries name the same things, and the guide links them all."""
    for folder, registry in (("templates", TEMPLATES), ("checks", CHECKS)):
        pages = {page.stem for page in (REFERENCE / folder).glob("*.md")}
        assert pages == set(registry)
        assert [name for name in pages if f"({folder}/{name}.md)" not in GUIDE.read_text()] == []


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_page_of_a_check_is_about_it(name: str) -> None:
    """The page begins with the check's name and says how bad a finding is."""
    text = (REFERENCE / "checks" / f"{name}.md").read_text()
    assert text.startswith(f"# `{name}`\n")
    assert re.search(r"\b(Error|Warning|Info)\b", text)


def test_every_key_of_a_pack_is_documented() -> None:
    """The guide names each key of pack, group, parameter, alert and record, and each target."""
    text = GUIDE.read_text()
    keys = {
        field.alias or name for model in (Head, GroupHead, Param, Record) for name, field in model.model_fields.items()
    }
    assert (
        sorted(key for key in keys | ALERT_KEYS | set(TARGETS) if not re.search(rf"`[^`]*\b{key}\b[^`]*`", text)) == []
    )


def test_the_examples_of_the_guide_have_no_problems(tmp_path: Path) -> None:
    """What the guide shows builds as it stands."""
    compiled = [compile_text(example, tmp_path) for example in _blocks(GUIDE, "yaml")]
    assert [one.problems for one in compiled] == [(), ()]
    assert [file.name for one in compiled for file in one.files] == ["shop.yml", "adopted.yml"]


def test_every_key_of_the_http_configuration_is_documented() -> None:
    """The page on rule files names each."""
    text = (REFERENCE / "rule-files.md").read_text()
    models: tuple[type[Settings], ...] = (HttpConfig, BasicAuth, Authorization, OAuth2, Tls, Header)
    assert [key for model in models for key in model.model_fields if f"`{key}`" not in text] == []


SLO = REFERENCE / "slo.md"


def test_the_page_of_slo_begins_with_its_example() -> None:
    """What `tocsin rules templates slo` shows is what the page explains."""
    assert _blocks(SLO, "yaml")[0] == Slo.example


def test_the_examples_of_slos_have_no_problems(tmp_path: Path) -> None:
    """What the page of `slo` shows compiles, all of it in one pack."""
    compiled = compile_text(pack("\n".join(_blocks(SLO, "yaml"))), tmp_path)
    assert compiled.problems == ()


def test_every_key_of_an_slo_is_documented(tmp_path: Path) -> None:
    """The page names each key, each tier by default, and each series that is recorded."""
    text = SLO.read_text()
    models: tuple[type[Settings], ...] = (Slo, Requests, Latency, TimeSlices, ErrorRatio, Tier)
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    rules = compile_text(pack(_blocks(SLO, "yaml")[0]), tmp_path).packs[0].rules
    series = {rule.name for rule in rules if rule.kind == "record" and "ratio_" not in rule.name}
    assert [word for word in sorted(keys | set(DEFAULTS) | series) if f"`{word}`" not in text] == []


def test_every_state_of_a_rule_is_documented() -> None:
    """The guide has a row for each."""
    assert [state for state in State if f"| `{state}` |" not in GUIDE.read_text()] == []
