"""The pages on kinds of step and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.remediate.steps.http import HttpStep
from receiver.remediate.steps.http_edge import HttpEdge
from receiver.remediate.steps.notify import NotifyStep
from receiver.remediate.steps.silence import SilenceStep
from tocsin import duration
from tocsin.config import Settings

PAGES = Path(__file__).parents[3] / "docs/reference/runbooks"
SECTIONS: dict[tuple[str, str], type[Settings]] = {
    ("http.md", "`http`"): HttpStep,
    ("http.md", "`remediation.http.NAME`"): HttpEdge,
    ("notify.md", "`notify`"): NotifyStep,
    ("silence.md", "`silence`"): SilenceStep,
}


@pytest.mark.parametrize(("page", "heading"), SECTIONS)
def test_settings(page: str, heading: str) -> None:
    """A section lists exactly the settings that the code knows, with their plain defaults."""
    section = re.split(r"\n##+ ", (PAGES / page).read_text().split(f"## {heading}\n")[1])[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    fields = SECTIONS[page, heading].model_fields
    assert set(documented) == {field.alias or name for name, field in fields.items()}
    for name, field in fields.items():
        if isinstance(field.default, str | int | bool | timedelta) and field.default != "":
            default = field.default
            shown = duration.show(default) if isinstance(default, timedelta) else str(default)
            assert documented[field.alias or name] == f"`{shown.lower() if isinstance(default, bool) else shown}`"
