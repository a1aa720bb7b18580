"""What pages show is proven. The packs that ship: tests/rulepacks/test_proofs.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.proof.schema import AlertTest, Fired, RecordTest
from tests.generator.proofs import told

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/testing-rules.md"


@pytest.mark.real
def test_the_example_of_the_page_is_proven(promtool: Path, tmp_path: Path) -> None:
    """The pack that the page shows has tests that pass, and they are its own."""
    [example] = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "shop.yml").write_text(example)
    outcome = told(promtool, tmp_path, "--format", "json")
    assert outcome.code == 0
    assert [(row["rule"], row["status"], row["by"]) for row in outcome.report["rules"]] == [
        ("queue:depth:max", "proven", "pack"),
        ("QueueGrows", "proven", "pack"),
    ]


@pytest.mark.real
def test_the_test_of_the_template_promql_passes(promtool: Path, tmp_path: Path) -> None:
    """What `tocsin rules templates promql` shows is proven by the test that stands in it."""
    from generator.template_catalogue import entries

    (tmp_path / "promql.yml").write_text(entries()["promql"].example)
    [row] = told(promtool, tmp_path, "--format", "json").report["rules"]
    assert (row["status"], row["by"]) == ("proven", "pack")


def test_every_key_and_option_is_documented() -> None:
    """The page names each key of a test, and each option of the command."""
    from typer.main import get_command

    from generator.commands import rules

    text = PAGE.read_text()
    keys = {name for model in (AlertTest, RecordTest, Fired) for name in model.model_fields}
    command = get_command(rules).commands["test"]  # type: ignore[attr-defined]  # a group
    options = {name for option in command.params for name in option.opts if name.startswith("--")} - {"--help"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
    assert [name for name in sorted(options) if name not in text] == []
