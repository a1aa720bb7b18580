"""How alerts become incidents, as configured."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from tocsin.config import Duration, Settings


class StormSettings(Settings):
    """When new incidents of a tenant are too many to page for each."""

    incidents: int = Field(30, ge=2, description="New incidents of one tenant ...")
    within: Duration = Field(timedelta(minutes=1), description="... in so long are a storm.")
    calm: Duration = Field(timedelta(minutes=5), description="A storm is over so long after its last new cause.")


class CorrelationSettings(Settings):
    """What makes alerts one incident."""

    by: Literal["causes", "group"] | None = Field(
        None,
        description="causes: what one fault explains is one incident; group: one incident for each Alertmanager "
        "group. Default: causes where topology.edges says what depends on what, else group.",
    )
    settle: Duration = Field(
        timedelta(seconds=3), description="How long the first page waits, so that a cause that comes late is in it."
    )
    labels: tuple[str, ...] = Field(
        ("node", "pod", "host", "shard"),
        description="Labels whose values few alerts share: the same value means the same place.",
    )
    storm: StormSettings | None = Field(None, description="When many new incidents become one.")
