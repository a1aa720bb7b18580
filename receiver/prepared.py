"""A configuration made ready to be taken, at the start or while running: whatever can be wrong with it shows here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from receiver.config import ReceiverConfig
from receiver.engine.correlate import ByGroup
from receiver.engine.pipeline import Rules
from receiver.notify.channel import Channel
from receiver.notify.text import Writer
from receiver.web.authentication import Authentication


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with everything that can go wrong behind it: secrets read, channels made."""

    config: ReceiverConfig
    authentication: Authentication
    channels: Mapping[str, Channel]

    @classmethod
    def of(cls, config: ReceiverConfig) -> Self:
        """Raises TocsinError where a secret cannot be read."""
        writer = Writer()
        channels = {name: settings.build(writer) for name, settings in config.channels.items()}
        return cls(config, Authentication.read(config.sources), channels)


def rules_of(config: ReceiverConfig) -> Rules:
    """The configuration's part in the engine."""
    return Rules(
        ByGroup(),
        config.steps,
        config.tenant_label,
        config.suppression,
        config.reopen_within,
        config.expected_heartbeats,
    )
