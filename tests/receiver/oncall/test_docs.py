"""The page on schedules and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from receiver.oncall.holiday_settings import HolidaySettings
from receiver.oncall.layer_settings import IcalSettings, LayerSettings, RestrictSettings
from receiver.oncall.settings import OverrideSettings, ScheduleSettings
from receiver.oncall_commands import oncall
from tocsin import yamltree
from tocsin.config import Settings, validate

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/oncall.md").read_text()
MODELS: dict[str, type[Settings]] = {
    "`schedules.NAME`": ScheduleSettings,
    "`schedules.NAME.layers[]`": LayerSettings,
    "`schedules.NAME.layers[].restrict`": RestrictSettings,
    "`schedules.NAME.layers[].ical`": IcalSettings,
    "`schedules.NAME.overrides[]`": OverrideSettings,
    "`schedules.NAME.holidays`": HolidaySettings,
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_documented(heading: str) -> None:
    """Each section lists exactly the settings that the code knows."""
    section = re.split(r"\n##+ ", PAGE.split(f"## {heading}\n")[1])[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", section, re.MULTILINE)
    documented = {name.strip("`") for row in rows for name in row.split(", ")}
    assert documented == {field.alias or name for name, field in MODELS[heading].model_fields.items()}


def test_every_command_is_documented() -> None:
    """Each command, and each option that is not every command's, stands on the page."""
    for name, command in typer.main.get_command(oncall).commands.items():  # type: ignore[attr-defined]
        assert f"`tocsin oncall {name}" in PAGE
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        assert [option for option in sorted(options - {"--help", "--output"}) if option not in PAGE] == []


def test_the_example_is_a_schedule() -> None:
    """The example of the page can be used as it stands."""
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (document,), problems = yamltree.parse(example, "oncall.md")
    assert problems == []
    value = document.data["schedules"]["database"]
    assert ScheduleSettings.model_validate(value).people() == {"alice", "bob", "carol", "dora", "emil"}
    assert validate(document, _Whole, {})[1] == []


class _Whole(Settings):
    schedules: dict[str, ScheduleSettings]
