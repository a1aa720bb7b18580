"""The reference of runbooks and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.config import ReceiverConfig
from receiver.remediate.checks import check
from receiver.remediate.files import read
from receiver.remediate.kinds import KINDS
from receiver.remediate.planning import planned
from receiver.remediate.settings import (
    MOST_STEPS,
    ApprovalSettings,
    ConditionSettings,
    FleetSettings,
    LimitsSettings,
    MetadataSettings,
    RateSettings,
    RunbookSettings,
    StepEntry,
    TargetSettings,
    ValueSettings,
    VerifySettings,
)
from receiver.remediate.taking import MOST_CHARACTERS
from tests.receiver.remediate.books import alert
from tocsin import duration
from tocsin.config import Settings, load

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/runbooks/README.md").read_text()
MODELS: dict[str, type[Settings]] = {
    "The document": RunbookSettings,
    "`metadata`": MetadataSettings,
    "`values.NAME`": ValueSettings,
    "`target`": TargetSettings,
    "`target.fleet`": FleetSettings,
    "`guards[]`": ConditionSettings,
    "`verify`": VerifySettings,
    "`approval`": ApprovalSettings,
    "`limits`": LimitsSettings,
    "`limits.per_target`": RateSettings,
    "`steps[]`": StepEntry,
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_documented(heading: str) -> None:
    """Each section lists exactly the settings that the code knows, with the defaults of the plain ones."""
    model, section = MODELS[heading], re.split(r"\n##+ ", PAGE.split(f"## {heading}\n")[1])[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ?([^|]*?) \|", section, re.MULTILINE))
    elsewhere = KINDS if model is StepEntry else ()  # each kind has its own page
    fields = {field.alias or name: field for name, field in model.model_fields.items() if name not in elsewhere}
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        if field.is_required():
            assert rows[name] == "required"
        elif isinstance(field.default, timedelta | bool | int | str) and field.default != "":
            shown = duration.show(field.default) if isinstance(field.default, timedelta) else str(field.default)
            assert rows[name].strip("`") in (shown, shown.lower())


def test_every_check_is_documented() -> None:
    """The page tells each check with how bad it is, and no other."""
    source = "".join(file.read_text() for file in (ROOT / "receiver/remediate").glob("checks_*.py"))
    found = dict.fromkeys(re.findall(r'Finding\(\s*"([\w-]+)"', source))
    section = PAGE.split("## What is checked\n")[1]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (error|warning|info) \|", section, re.MULTILINE))
    assert sorted(rows) == sorted(found)
    for name, severity in rows.items():
        written = re.findall(rf'Finding\(\s*"{name}"[^\n]*(?:\n\s+[^\n]*)?\)', source)
        assert all(
            re.findall(r'"(warning|info)"', one)[:1] == ([] if severity == "error" else [severity]) for one in written
        )


def test_figures_and_kinds() -> None:
    """The bounds and the kinds of step that the page tells are those of the code."""
    assert f"at most {MOST_CHARACTERS:,} characters" in PAGE
    assert f"one after the other; {MOST_STEPS} at most" in PAGE
    section = PAGE.split("## Steps\n")[1].split("\n### ")[0]
    assert re.findall(r"`(\w+)`", section) == sorted(KINDS)


def test_the_example_is_valid(tmp_path: Path) -> None:
    """Whoever copies the page's two files has a configuration, a runbook of which nothing is to be said, and a plan."""
    book, main = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[:2]
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/restart.yml").write_text(book)
    (tmp_path / "receiver.yml").write_text(main)
    config = load(tmp_path / "receiver.yml", ReceiverConfig)
    assert check([tmp_path / "runbooks/restart.yml"], config) == []
    assert config.remediation is not None
    runbooks, _ = config.remediation.read_runbooks
    plan = planned(runbooks["restart-deployment"], alert())
    assert (plan.target, plan.dry_run, plan.fleet) == ("shop/checkout", False, "deployments of shop")
    assert read(["*.yml"], tmp_path / "runbooks", {})[0]["restart-deployment"].settings.mode == "dry-run"
