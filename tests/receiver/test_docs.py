"""The reference and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import typer.main

from receiver import commands
from receiver.config import EscalationSettings, ReceiverConfig, StepSettings
from receiver.engine.flapping import FlappingSettings
from receiver.engine.inhibition import InhibitionSettings
from receiver.engine.maintenance import MaintenanceSettings
from receiver.engine.minimum import MinimumSettings
from receiver.engine.topology import TopologySettings
from receiver.heartbeats.settings import HeartbeatSettings, PingSettings
from receiver.metrics import Metrics
from receiver.notify.channels import KINDS
from receiver.reconcile.settings import ReconcileSettings
from receiver.retention import RetentionSettings, TenantRetention
from receiver.store.settings import DatabaseSettings
from receiver.web.sources import CertificateSettings, LoginSettings, SourceSettings, TokenSettings
from tocsin import duration
from tocsin.clock import SystemClock
from tocsin.config import Settings
from tocsin.reload import Reloader
from tocsin.telemetry import TracingSettings
from tocsin.webconfig import HttpSettings, TlsSettings, WebConfig

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/configuration.md").read_text()
RECEIVER_PAGE = (ROOT / "docs/reference/receiver.md").read_text()
MODELS: dict[str, type[Settings]] = {
    "The receiver": ReceiverConfig,
    "`sources.NAME`": SourceSettings,
    "`sources.NAME.reconcile`": ReconcileSettings,
    "`heartbeats.NAME`": HeartbeatSettings,
    "`ping`": PingSettings,
    "`sources.NAME.bearer_token_files[]`": TokenSettings,
    "`sources.NAME.basic_auth[]`": LoginSettings,
    "`sources.NAME.client_certificates[]`": CertificateSettings,
    "`tracing`": TracingSettings,
    "`database`": DatabaseSettings,
    "`retention`": RetentionSettings,
    "`retention.tenants.NAME`": TenantRetention,
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
    for name, field in RetentionSettings.model_fields.items():
        if isinstance(field.default, timedelta):
            assert f"| `{name}` | `{duration.show(field.default)}` |" in PAGE
    assert set(EscalationSettings.model_fields) == {"steps"}


@pytest.mark.parametrize("model", [ReceiverConfig, ReconcileSettings, HeartbeatSettings, PingSettings])
def test_default_durations_are_documented(model: type[Settings]) -> None:
    """The defaults of durations stand in the reference."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, timedelta):
            assert f"| `{name}` | `{duration.show(field.default)}` |" in PAGE


async def _ignore(config: None) -> None:
    """Takes nothing over."""


def test_every_metric_is_documented() -> None:
    """Each metric of the receiver's own stands in its reference, with its labels, and no other."""
    metrics = Metrics()
    metrics.built("0")
    Reloader(lambda: None, _ignore, registry=metrics.registry, clock=SystemClock())
    own = {family.name for family in metrics.registry.collect() if family.name.startswith("tocsin_")}
    documented = re.findall(r"^\| `(tocsin_\w+?)(?:_total)?(?:\{[^`]*\})?` \|", RECEIVER_PAGE, re.MULTILINE)
    assert sorted(documented) == sorted(own)


def test_every_reason_of_refusal_is_documented() -> None:
    """The words that count refused bodies stand in the reference."""
    source = "".join(file.read_text() for file in (ROOT / "receiver/web").glob("*.py"))
    reasons = set(re.findall(r'(?:_refuse\(|Refusal\(|CutOff\()\s*(?:\d+, |status, )?"(\w+)"', source))
    assert {"no_proof", "too_slow", "not_json"} <= reasons
    assert [reason for reason in reasons if f"`{reason}`" not in RECEIVER_PAGE] == []


def test_every_flag_is_documented() -> None:
    """The options of `tocsin receiver run` stand in the reference."""
    command = typer.main.get_command(commands.receiver).commands["run"]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts if option != "--help"}
    assert len(options) == 7
    assert [option for option in sorted(options) if f"`{option}`" not in RECEIVER_PAGE] == []


def test_every_web_setting_is_documented() -> None:
    """The settings of --web.config.file stand in the reference."""
    for model in (WebConfig, TlsSettings, HttpSettings):
        assert [name for name in model.model_fields if f"`{name}`" not in RECEIVER_PAGE] == []
