"""The receiver's configuration file. Everything has a default: the receiver runs without one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from receiver.engine.causes.settings import CorrelationSettings
from receiver.engine.events import EscalationStep
from receiver.engine.flapping import FlappingSettings
from receiver.engine.heartbeat import Heartbeat
from receiver.engine.hold import SuppressionRules
from receiver.engine.inhibition import InhibitionSettings
from receiver.engine.maintenance import MaintenanceSettings, configured_id
from receiver.engine.minimum import MinimumSettings
from receiver.engine.topology import Topology, TopologySettings
from receiver.heartbeats.settings import HeartbeatSettings, PingSettings
from receiver.notify.channels import ChannelSettings, OneChannel
from receiver.onsets.settings import RulesApiSettings
from receiver.retention import RetentionSettings
from receiver.store.settings import DatabaseSettings
from receiver.web.sources import SourceSettings
from receiver.web.uploads import Bounds
from tocsin.config import Duration, OneOrMore, Settings
from tocsin.telemetry import TracingSettings

if not TYPE_CHECKING:
    OneChannel = ChannelSettings  # the model with a field for each kind; typed as its base

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class StepSettings(Settings):
    """So long after the step before (the opening, for the first), tell these channels."""

    after: Duration = timedelta()
    notify: OneOrMore[Name]


class EscalationSettings(Settings):
    """Who is told, in turn, until somebody acknowledges or the incident resolves."""

    steps: OneOrMore[StepSettings]


class ReceiverConfig(Settings):
    """The whole file."""

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
    external_url: str = Field("", description="Where people reach this receiver; stands in messages.")
    tracing: TracingSettings | None = Field(None, description="Where OpenTelemetry's traces go.")
    database: DatabaseSettings = Field(DatabaseSettings(), description="Where the store lies.")
    retention: RetentionSettings = Field(RetentionSettings(), description="How long the past is kept.")
    sources: dict[Name, SourceSettings] = Field({}, description="Who may send; empty: everybody.")
    channels: dict[Name, OneChannel] = Field({}, description="The ways to reach people, by name.")
    escalation: EscalationSettings | None = Field(None, description="Who is told when an incident opens.")
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
    inhibition: InhibitionSettings | None = Field(None, description="Whether causes hold back their consequences.")

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
    def _channels_exist(self) -> Self:
        wanted = [name for step in self.steps for name in step.notify]
        missing = sorted(set(wanted) - set(self.channels))
        if missing:
            known = ", ".join(sorted(self.channels)) or "none is configured"
            raise ValueError(f"escalation names the channel {missing[0]!r}, which is not under channels ({known})")
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

    @property
    def steps(self) -> tuple[EscalationStep, ...]:
        """The escalation as the policy wants it."""
        settings = self.escalation.steps if self.escalation else ()
        return tuple(EscalationStep(step.after, step.notify) for step in settings)

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
