"""The reference and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.config import EscalationSettings, ReceiverConfig, StepSettings
from receiver.engine.flapping import FlappingSettings
from receiver.engine.inhibition import InhibitionSettings
from receiver.engine.maintenance import MaintenanceSettings
from receiver.engine.minimum import MinimumSettings
from receiver.engine.topology import TopologySettings
from receiver.heartbeats.settings import HeartbeatSettings, PingSettings
from receiver.notify.channels import KINDS
from receiver.reconcile.settings import ReconcileSettings
from receiver.web.authentication import SourceSettings
from tocsin import duration
from tocsin.config import Settings

PAGE = (Path(__file__).parents[2] / "docs/reference/configuration.md").read_text()
MODELS: dict[str, type[Settings]] = {
    "The receiver": ReceiverConfig,
    "`sources.NAME`": SourceSettings,
    "`sources.NAME.reconcile`": ReconcileSettings,
    "`heartbeats.NAME`": HeartbeatSettings,
    "`ping`": PingSettings,
    "`escalation.steps[]`": StepSettings,
    "`maintenance[]`": MaintenanceSettings,
    "`flapping`": FlappingSettings,
    "`minimum[]`": MinimumSettings,
    "`topology`": TopologySettings,
    "`inhibition`": InhibitionSettings,
    **{f"`channels.NAME.{kind}`": settings for kind, (settings, _) in KINDS.items()},
}


@pytest.mark.parametrize("heading", MODELS)
def test_every_setting_is_documented(heading: str) -> None:
    """Each section of the reference lists exactly the settings that the code knows."""
    section = re.split(r"\n##+ ", PAGE.split(f"## {heading}\n")[1])[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    fields = MODELS[heading].model_fields
    assert documented == {field.alias or name for name, field in fields.items()}


def test_defaults_are_documented() -> None:
    """The defaults of plain settings stand in the reference."""
    for name, field in ReceiverConfig.model_fields.items():
        if isinstance(field.default, (int, str)) and field.default:
            assert f"| `{name}` | `{field.default}` |" in PAGE
    assert set(EscalationSettings.model_fields) == {"steps"}


@pytest.mark.parametrize("model", [ReceiverConfig, ReconcileSettings, HeartbeatSettings, PingSettings])
def test_default_durations_are_documented(model: type[Settings]) -> None:
    """The defaults of durations stand in the reference."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, timedelta):
            assert f"| `{name}` | `{duration.show(field.default)}` |" in PAGE
