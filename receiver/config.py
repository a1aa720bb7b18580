"""The receiver's configuration file. Everything has a default: the receiver runs without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from receiver.engine.causes.settings import CorrelationSettings
from receiver.engine.flapping import FlappingSettings
from receiver.engine.heartbeat import Heartbeat
from receiver.engine.hold import SuppressionRules
from receiver.engine.inhibition import InhibitionSettings
from receiver.engine.maintenance import MaintenanceSettings, configured_id
from receiver.engine.minimum import MinimumSettings
from receiver.engine.routing import Policy, Route, Routing
from receiver.engine.topology import Topology, TopologySettings
from receiver.escalation.settings import EscalationSettings
from receiver.heartbeats.settings import HeartbeatSettings, PingSettings
from receiver.notify import fitting
from receiver.notify.channels import ChannelSettings, OneChannel
from receiver.notify.template_settings import TemplatesSettings
from receiver.onsets.settings import RulesApiSettings
from receiver.people.directory import Directory, Reaches
from receiver.people.settings import ROLES
from receiver.reconcile.settings import ReconcileSettings
from receiver.references import Places, faults, placed, with_other_files
from receiver.remediate import checks as runbook_checks
from receiver.remediate.config import RemediationSettings
from receiver.retention import RetentionSettings
from receiver.sections import Sections
from receiver.store.settings import DatabaseSettings
from receiver.web.sources import SourceSettings
from receiver.web.uploads import Bounds
from tocsin.config import Duration, Fault
from tocsin.problem import Problem
from tocsin.telemetry import TracingSettings

if not TYPE_CHECKING:
    OneChannel = ChannelSettings  # the model with a field for each kind; typed as its base

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


Address = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]


class ReceiverConfig(Sections):
    """The whole file."""

    _places: Places = PrivateAttr(default_factory=dict)

    tenant_label: str = Field("tenant", description="The label of an alert that names its tenant.")
    inbox_limit: int = Field(
        100_000,
        ge=1,
        description="Bodies that may wait to be processed; beyond it senders get 503 and try again.",
    )
    max_body_bytes: int = Field(64 * 2**20, ge=1024, description="The largest webhook body that is taken in.")
    max_inflight_bytes: int = Field(
        256 * 2**20,
        ge=1024,
        description="What bodies that arrive or wait for their commit may hold in memory together, copies included.",
    )
    min_upload_rate: int = Field(4096, ge=0, description="Bytes a second; a body that comes slower is cut off.")
    upload_timeout: Duration = Field(timedelta(minutes=1), description="For the whole of one body.")
    max_connections: int = Field(
        512, ge=8, description="Connections at once; one too many takes the place of one that asks for nothing."
    )
    external_url: Address = Field("", description="Where people reach this receiver; stands in messages.")
    tracing: TracingSettings | None = Field(None, description="Where OpenTelemetry's traces go.")
    database: DatabaseSettings = Field(DatabaseSettings(), description="Where the store lies.")
    retention: RetentionSettings = Field(RetentionSettings(), description="How long the past is kept.")
    sources: dict[Name, SourceSettings] = Field({}, description="Who may send; empty: everybody.")
    channels: dict[Name, OneChannel] = Field({}, description="The ways to reach people, by name.")
    templates: TemplatesSettings = Field(TemplatesSettings(), description="People's own words for messages.")
    escalation: EscalationSettings | None = Field(
        None,
        description="Who is told when an incident opens, where everybody is told the same way: one policy, no routes.",
    )
    people_files: tuple[str, ...] = Field((), description="More files of users, teams, policies and the like; globs.")
    tenant_files: tuple[str, ...] = Field(
        (), description="The generator's tenant files, for each tenant's tier; globs."
    )
    reopen_within: Duration = Field(
        timedelta(minutes=10),
        description="How long after an incident has resolved an alert of it that fires again reopens it; 0: never.",
    )
    heartbeats: dict[Name, HeartbeatSettings] = Field({}, description="Alerts whose silence pages, by name.")
    ping: PingSettings | None = Field(None, description="Who outside is told that we live.")

    maintenance: tuple[MaintenanceSettings, ...] = Field((), description="When which alerts are expected to fire.")
    flapping: FlappingSettings | None = Field(None, description="When an alert that comes and goes stops paging.")
    minimum: tuple[MinimumSettings, ...] = Field((), description="What alerts must reach before they open incidents.")
    correlation: CorrelationSettings = Field(CorrelationSettings(), description="What makes alerts one incident.")
    topology: TopologySettings = Field(TopologySettings(), description="What depends on what.")
    rule_files: tuple[str, ...] = Field((), description="Prometheus rule files, for each alert's `for`.")
    rules_api: RulesApiSettings | None = Field(None, description="A Prometheus that is asked for each alert's `for`.")
    remediation: RemediationSettings | None = Field(None, description="Runbooks that Tocsin runs by itself.")
    inhibition: InhibitionSettings | None = Field(None, description="Whether causes hold back their consequences.")
    runbook_pages: Path | None = Field(None, description="A folder of one's own pages for alerts: PACK/ALERT.md.")

    @field_validator("runbook_pages")
    @classmethod
    def _a_folder_beside_the_file(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        found = None if folder is None else (info.context or {}).get("folder", Path()) / folder
        if found is not None and not found.is_dir():
            hint = "make it, with PACK/ALERT.md in it, or take the line out: the pages that ship are shown anyway"
            raise PydanticCustomError("files", "{folder} is no folder", {"folder": str(found), "hint": hint})
        return found

    @field_validator("rule_files")
    @classmethod
    def _beside_the_file(cls, files: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        folder = (info.context or {}).get("folder", Path())
        return tuple(str(folder / file) for file in files)

    @model_validator(mode="after")
    def _windows_have_names(self) -> Self:
        names = [window.name for window in self.maintenance]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"two maintenance windows are named {twice!r}; a name tells people which one holds an alert"
            )
        if self.inhibition is not None and not self.topology.edges:
            raise ValueError("inhibition needs topology.edges: what depends on what")
        return self

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.max_inflight_bytes < self.max_body_bytes:
            raise ValueError("max_inflight_bytes must be max_body_bytes or more: one body must fit")
        return self

    @property
    def bounds(self) -> Bounds:
        """The bounds of uploads."""
        seconds = self.upload_timeout.total_seconds()
        return Bounds(self.max_body_bytes, self.max_inflight_bytes, self.min_upload_rate, seconds)

    @property
    def expected_heartbeats(self) -> tuple[Heartbeat, ...]:
        """The heartbeats as the engine wants them."""
        return tuple(settings.named(name) for name, settings in self.heartbeats.items())

    @model_validator(mode="before")
    @classmethod
    def _with_other_files(cls, data: Any, info: ValidationInfo) -> Any:
        context: dict[str, Any] = info.context if info.context is not None else {}
        places = context.setdefault("places", {})
        return with_other_files(data, context.get("folder", Path()), places) if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _know_places(self, info: ValidationInfo) -> Self:
        self._places = (info.context or {}).get("places", {})
        return self

    def faults(self) -> Iterable[Fault | Problem]:
        """What the file names and does not have."""
        yield from faults(self, self.channels, self.escalation is not None, self._places)
        yield from fitting.faults(self.channels, {*self.roles, *ROLES}, self.external_url)
        if not self.alertmanagers:
            yield from (placed(fault, self._places) for fault in self._silences_in_vain())
        yield from runbook_checks.faults(self)

    def _silences_in_vain(self) -> Iterator[Fault]:
        """Silences that nobody can write."""
        hint = "add sources.alertmanager.reconcile.alertmanagers, or take this out"
        policies = {("escalation_policies", name): policy for name, policy in self.escalation_policies.items()}
        for at, escalation in [(("escalation",), self.escalation), *policies.items()]:
            if escalation is not None and escalation.silence_on:
                yield Fault((*at, "silence_on"), "no source says where its Alertmanager is", hint)
        for number, window in enumerate(self.maintenance):
            if window.silence:
                yield Fault(("maintenance", number, "silence"), "no source says where its Alertmanager is", hint)

    @property
    def alertmanagers(self) -> dict[str, ReconcileSettings]:
        """Where the Alertmanagers of those sources are that say it."""
        return {name: one.reconcile for name, one in self.sources.items() if one.reconcile is not None}

    @property
    def tells_somebody(self) -> bool:
        """Whether anybody is told of an incident."""
        return self.escalation is not None or self.routes is not None

    def routing(self) -> Routing:
        """Which policy an incident is opened under, as the engine wants it."""
        policies = {name: policy.policy(name, self.business_hours) for name, policy in self.escalation_policies.items()}
        if self.escalation is not None:
            policies[""] = Policy(self.escalation.escalation())
        root = self.routes.root() if self.routes else Route("")
        slas = {}
        for tenant, settings in self.tenants.items():
            tier = self.tiers.get(settings.tier or "")
            if tier is not None and tier.sla is not None:
                slas[tenant] = tier.sla.sla()
        return Routing(policies, root, slas)

    def directory(self, channels: Mapping[str, Reaches]) -> Directory:
        """The people, and how they are told."""
        return Directory(self.users, self.teams, self.roles, self.notification_rules, channels)

    @property
    def suppression(self) -> SuppressionRules:
        """What holds alerts back, as the engine wants it."""
        topology = Topology(self.topology.label, self.topology.edges)
        return SuppressionRules(
            windows=tuple(settings.window(configured_id(settings)) for settings in self.maintenance),
            flapping=self.flapping.rules() if self.flapping else None,
            minimum=tuple(settings.rule() for settings in self.minimum),
            inhibition=self.inhibition.rules(topology) if self.inhibition else None,
        )
