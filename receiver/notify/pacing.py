"""How often a channel may bother one person: settings that every kind of channel shares."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from tocsin.config import Duration, Settings


class LimitSettings(Settings):
    """So many messages to one person within a time; what is more waits, and goes as one message."""

    messages: int = Field(ge=1, description="How many.")
    within: Duration = Field(description="Within which time.")
    hard: bool = Field(False, description="Whether critical incidents wait, too.")


class PacingSettings(Settings):
    """Neither loses anything: what waits for one person goes as one message when its turn comes."""

    limit: LimitSettings | None = Field(None, description="How many messages one person gets.")
    bundle: Duration = Field(
        timedelta(), description="How long the first message to a person waits for others; critical ones never do."
    )
