"""A configuration made ready to be taken, at the start or while running: whatever can be wrong with it shows here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import structlog

from receiver.config import ReceiverConfig
from receiver.engine.causes.by_causes import ByCauses, correlator_of
from receiver.engine.causes.storm import Storms
from receiver.engine.causes.tree import Reading
from receiver.engine.occurrence import Occurrence
from receiver.engine.onset import Holds, onset
from receiver.engine.pipeline import Rules
from receiver.engine.remedies import Remedies
from receiver.engine.topology import Topology
from receiver.notify.channel import Channel
from receiver.notify.pacing import PacingSettings
from receiver.notify.text import Writer
from receiver.oncall.current import schedules_of
from receiver.oncall.schedule import Schedule
from receiver.onsets.files import holds_in
from receiver.people.directory import Directory
from receiver.remediate.runbook import Runbook
from receiver.web.authentication import Authentication
from tocsin.errors import InputError
from tocsin.problem import as_text

log = structlog.get_logger("receiver")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with everything that can go wrong behind it: secrets and rule files read, channels made.

    `holds` is what the rule files tell; None: they cannot be read just now, and what was read before still counts.
    """

    config: ReceiverConfig
    authentication: Authentication
    channels: Mapping[str, Channel]
    directory: Directory
    holds: Holds | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)

    @classmethod
    def of(cls, config: ReceiverConfig, *, again: bool = False) -> Self:
        """Prepares for the start or, with `again`, for a reload: what rule files told before may then stand in.

        Raises:
            TocsinError: a secret cannot be read, or a rule file, a calendar, a template.
        """
        writer = Writer(config.templates.read())
        channels = {name: settings.build(writer) for name, settings in config.channels.items()}
        holds = _holds_again(config) if again else holds_in(config.rule_files)
        schedules = schedules_of(config.schedules)
        authentication, directory = Authentication.read(config.sources), config.directory(channels)
        return cls(config, authentication, channels, directory, holds, schedules, runbooks_of(config))

    @classmethod
    def for_worker(cls, config: ReceiverConfig) -> Self:
        """Prepares for a process that only runs steps: it opens no secret of channels and sources.

        Raises:
            TocsinError: a calendar cannot be read.
        """
        directory = config.directory({name: one.reaches for name, one in config.channels.items()})
        schedules = schedules_of(config.schedules)
        return cls(config, Authentication.read({}), {}, directory, None, schedules, runbooks_of(config))


def _holds_again(config: ReceiverConfig) -> Holds | None:
    try:
        return holds_in(config.rule_files)
    except InputError as error:
        log.warning("rule files cannot be read; what they told before stays", problems=as_text(error.problems))
        return None


def runbooks_of(config: ReceiverConfig) -> Mapping[str, Runbook]:
    """The runbooks that are in force, by name."""
    return config.remediation.read_runbooks[0] if config.remediation is not None else {}


def rules_of(config: ReceiverConfig, holds: Holds | None = None) -> Rules:
    """The configuration's part in the engine, with the `for` of each alert; None: read from the rule files now.

    Raises:
        InputError: a rule file cannot be read.
    """
    topology = Topology(config.topology.label, config.topology.edges)
    correlator = correlator_of(config.correlation, topology)
    return Rules(
        correlator,
        config.routing(),
        config.tenant_label,
        config.suppression,
        config.reopen_within,
        config.expected_heartbeats,
        storms=Storms(config.correlation.storm, topology.label) if config.correlation.storm else None,
        settle=config.correlation.settle if isinstance(correlator, ByCauses) else timedelta(),
        remedies=Remedies(tuple(one.remedy for one in runbooks_of(config).values())),
        holds=holds_in(config.rule_files) if holds is None else holds,
    )


def pacing_of(config: ReceiverConfig) -> dict[str, PacingSettings]:
    """How often each channel may bother one person, where that is bounded."""
    return {name: channel.pacing for name, channel in config.channels.items() if channel.pacing is not None}


def reading_of(config: ReceiverConfig, rules: Rules) -> Reading:
    """How the alerts of an incident are read when it is told: as the engine has read them."""

    def onset_of(one: Occurrence) -> datetime:
        return onset(one.labels, one.annotations, one.starts_at, rules.holds)

    return Reading(Topology(config.topology.label, config.topology.edges), onset_of)
