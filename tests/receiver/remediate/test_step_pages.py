"""The pages of the kinds of step and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from receiver.remediate.step import StepSettings
from receiver.remediate.steps.ansible import AnsibleEdge, AnsibleStep
from receiver.remediate.steps.exec import ExecEdge, ExecStep
from receiver.remediate.steps.wait import WaitStep
from tocsin import duration
from tocsin.config import Settings

PAGES = Path(__file__).parents[3] / "docs/reference/runbooks"
MODELS: dict[str, type[Settings]] = {
    "exec": ExecStep,
    "remediation.exec": ExecEdge,
    "wait": WaitStep,
    "ansible": AnsibleStep,
    "remediation.ansible": AnsibleEdge,
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_on_its_page_with_its_default(heading: str) -> None:
    """The table of a kind has exactly the settings that the code knows, each with what holds without it."""
    model = MODELS[heading]
    page = (PAGES / f"{heading.rpartition('.')[2]}.md").read_text()
    section = re.split(r"\n##+ ", page.split(f"## `{heading}`\n")[1])[0]
    told = {
        name: default.strip("` ") for name, default in re.findall(r"^\| `(\w+)` \| ([^|]*)\|", section, re.MULTILINE)
    }
    known = {field.alias or name: _shown(model, name) for name, field in model.model_fields.items()}
    assert told == known


def _shown(model: type[Settings], name: str) -> str:
    field = model.model_fields[name]
    if issubclass(model, StepSettings) and name == "timeout" and model is not WaitStep:
        return duration.show(model.TIMEOUT)
    match field.default:
        case _ if field.default is PydanticUndefined:
            return "required"
        case None | "":
            return ""
        case tuple() | list():
            return str(list(field.default))
        case bool():
            return str(field.default).lower()
        case timedelta():
            return duration.show(field.default)
        case _:
            return str(field.default)
