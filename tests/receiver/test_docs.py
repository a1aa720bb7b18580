"""The reference and the code say the same."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import typer
import typer.main

from receiver import commands
from receiver.config import ReceiverConfig
from receiver.engine.causes.growing import tree_of
from receiver.engine.causes.settings import CorrelationSettings, StormSettings
from receiver.engine.causes.tree import Reading
from receiver.engine.events import AlertRef, Root
from receiver.engine.flapping import FlappingSettings
from receiver.engine.incident import Incident
from receiver.engine.inhibition import InhibitionSettings
from receiver.engine.maintenance import MaintenanceSettings
from receiver.engine.minimum import MinimumSettings
from receiver.engine.topology import TopologySettings
from receiver.escalation.settings import PolicySettings, RepeatSettings, RouteSettings, RoutesSettings, StepSettings
from receiver.heartbeats.settings import HeartbeatSettings, PingSettings
from receiver.metrics import Metrics
from receiver.notify.channels import KINDS
from receiver.notify.pacing import LimitSettings, PacingSettings
from receiver.onsets.settings import RulesApiSettings
from receiver.people.settings import (
    ContactSettings,
    QuietHours,
    RoleSettings,
    RuleSettings,
    SlaSettings,
    TeamSettings,
    TenantSettings,
    TierSettings,
    UserSettings,
)
from receiver.reconcile.settings import ReconcileSettings
from receiver.remediate.config import RemediationSettings
from receiver.remediate.settings import OverrideSettings, RateSettings
from receiver.retention import RetentionSettings, TenantRetention
from receiver.sections import Sections
from receiver.store.settings import DatabaseSettings
from receiver.web.creating import New
from receiver.web.filters import Filter
from receiver.web.openapi import declared
from receiver.web.problems import IN_PROGRESS, TYPES
from receiver.web.shapes import branch_json, placing_json, root_json, tree_json
from receiver.web.sources import CertificateSettings, LoginSettings, SourceSettings, TokenSettings
from tests.receiver.harness import receiver
from tests.receiver.test_notify import ALERT
from tocsin import duration
from tocsin.clock import SystemClock
from tocsin.config import Settings, load
from tocsin.promconfig import ServerSettings
from tocsin.reload import Reloader
from tocsin.telemetry import TracingSettings
from tocsin.webconfig import HttpSettings, TlsSettings, WebConfig

ROOT = Path(__file__).parents[2]
KIND_PAGES = [file.read_text() for file in sorted((ROOT / "docs/reference/channels").glob("*.md"))]
PAGE = "\n".join([(ROOT / "docs/reference/configuration.md").read_text(), *KIND_PAGES])
ESCALATION_PAGE = (ROOT / "docs/reference/escalation.md").read_text()
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
    "`remediation`": RemediationSettings,
    "`remediation.runbooks.NAME`": OverrideSettings,
    "`remediation.everything`": RateSettings,
    "`remediation.prometheus`": ServerSettings,
    "`maintenance[]`": MaintenanceSettings,
    "`flapping`": FlappingSettings,
    "`minimum[]`": MinimumSettings,
    "`correlation`": CorrelationSettings,
    "`correlation.storm`": StormSettings,
    "`topology`": TopologySettings,
    "`inhibition`": InhibitionSettings,
    "`rules_api`": RulesApiSettings,
    "`channels.NAME.pacing`": PacingSettings,
    "`channels.NAME.pacing.limit`": LimitSettings,
    **{f"`channels.NAME.{kind}`": settings for kind, (settings, _) in KINDS.items()},
}


ESCALATION: dict[str, type[Settings]] = {
    "Sections of a people file": Sections,
    "`users.NAME`": UserSettings,
    "`users.NAME.contacts`": ContactSettings,
    "`users.NAME.quiet_hours`": QuietHours,
    "`notification_rules[]`": RuleSettings,
    "`teams.NAME`": TeamSettings,
    "`roles.NAME`": RoleSettings,
    "`tenants.NAME`": TenantSettings,
    "`tiers.NAME`": TierSettings,
    "`tiers.NAME.sla`": SlaSettings,
    "`escalation_policies.NAME`": PolicySettings,
    "`escalation_policies.NAME.steps[]`": StepSettings,
    "`escalation_policies.NAME.repeat`": RepeatSettings,
    "`routes`": RoutesSettings,
    "`routes.routes[]`": RouteSettings,
}


@pytest.mark.parametrize("heading", [*MODELS, *ESCALATION])
def test_every_setting_is_documented(heading: str) -> None:
    """Each section of the reference lists exactly the settings that the code knows."""
    page, models = (PAGE, MODELS) if heading in MODELS else (ESCALATION_PAGE, ESCALATION)
    section = re.split(r"\n##+ ", page.split(f"## {heading}\n")[1])[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    fields = models[heading].model_fields
    assert documented == {field.alias or name for name, field in fields.items()}


def test_defaults_are_documented() -> None:
    """The defaults of plain settings stand in the reference."""
    for name, field in ReceiverConfig.model_fields.items():
        if isinstance(field.default, (int, str)) and field.default:
            assert f"| `{name}` | `{field.default}` |" in PAGE
    for name, field in RetentionSettings.model_fields.items():
        if isinstance(field.default, timedelta):
            assert f"| `{name}` | `{duration.show(field.default)}` |" in PAGE


@pytest.mark.parametrize(
    "model", [ReceiverConfig, ReconcileSettings, HeartbeatSettings, PingSettings, CorrelationSettings, StormSettings]
)
def test_default_durations_are_documented(model: type[Settings]) -> None:
    """The defaults of durations stand in the reference."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, timedelta):
            assert f"| `{name}` | `{duration.show(field.default)}` |" in PAGE


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_of_channels_are_documented(kind: str) -> None:
    """The defaults of a kind's settings stand in its section."""
    section = re.split(r"\n##+ ", PAGE.split(f"## `channels.NAME.{kind}`\n")[1])[0]
    for name, field in KINDS[kind][0].model_fields.items():
        if isinstance(field.default, timedelta | bool | int | str) and field.default != "":
            shown = field.default if not isinstance(field.default, timedelta) else duration.show(field.default)
            assert f"| `{field.alias or name}` | `{str(shown).lower()}` |" in section


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


def test_every_command_about_incidents_is_documented() -> None:
    """The commands of `tocsin incidents` stand in the reference."""
    known = typer.main.get_command(commands.incidents).commands  # type: ignore[attr-defined]
    missing = [name for name in sorted(known) if not re.search(rf"`(tocsin incidents )?{name}[ `]", RECEIVER_PAGE)]
    assert missing == []


def test_every_field_of_a_tree_is_documented() -> None:
    """What the API tells of an incident's causes stands in the reference."""
    began = Root(AlertRef(ALERT.id, "X"), ALERT.starts_at)
    tree = tree_of(Incident("x", root=began), [], [ALERT], Reading())
    told = {"root", "cause", "noise", "merged_into", "storm", "part_of", *root_json(began), *tree_json(tree)}
    told |= {*branch_json(tree.branches[0]), *placing_json(tree.placings[ALERT.id])}
    section = RECEIVER_PAGE.split("## Incidents\n")[1].split("\n## ")[0]
    assert [name for name in sorted(told) if f"`{name}`" not in section] == []


def test_every_web_setting_is_documented() -> None:
    """The settings of --web.config.file stand in the reference."""
    for model in (WebConfig, TlsSettings, HttpSettings):
        assert [name for name in model.model_fields if f"`{name}`" not in RECEIVER_PAGE] == []


@pytest.mark.parametrize(("command", "group"), [("replay", commands.incidents), ("record", commands.receiver)])
def test_recording_and_replaying_are_documented(command: str, group: typer.Typer) -> None:
    """Each option, and each key of what is printed, stands on their page."""
    page = (ROOT / "docs/reference/replay.md").read_text()
    parameters = typer.main.get_command(group).commands[command].params  # type: ignore[attr-defined]
    options = {option for parameter in parameters for option in parameter.opts if option.startswith("--")}
    assert [option for option in sorted(options - {"--help"}) if option not in page] == []
    keys = [field for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE) for field in row.split(", ")]
    promised = ["id", "fingerprint", "startsAt", "incident", "cause_rank", "reasons", "suppressed"]
    assert [key.strip("`") for key in keys] == promised


def test_the_example_of_an_escalation_is_valid(tmp_path: Path) -> None:
    """Whoever copies the reference's two files has a configuration without a fault."""
    main, people = re.findall(r"```yaml\n(.*?)```", ESCALATION_PAGE, re.DOTALL)[:2]
    for name, content in {
        "receiver.yml": main,
        "people/payments.yml": people,
        "tenants/acme.yml": "kind: Tenant\nmetadata: {name: acme, tier: gold}\n",
        "secrets/chat-url": "http://127.0.0.1:1/",
        "secrets/receiver-token": "token",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    config = load(tmp_path / "receiver.yml", ReceiverConfig)
    assert config.routing().slas.keys() == {"acme"}
    assert config.routing().root.policy == "everybody"


async def test_the_api_is_documented(tmp_path: Path) -> None:
    """The page of the API names each route, type of problem, filter and field of an incident by hand, and no other."""
    page = (ROOT / "docs/reference/api.md").read_text()
    async with receiver(tmp_path) as tocsin:
        routes = {f"{route.method} {route.path}" for route in declared(tocsin.receiver.doors.application)}
    assert set(re.findall(r"^\| `((?:GET|POST|DELETE) \S+)` \|", page, re.MULTILINE)) == routes
    words = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page, re.MULTILINE))
    assert words == {word: str(status) for status, word in TYPES.items()} | {IN_PROGRESS: "409"}
    for heading, fields in (("Lists", Filter.model_fields), ("By hand", New.model_fields)):
        section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
        rows = " ".join(re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE))
        assert set(re.findall(r"`(\w+)`", rows)) == set(fields)
