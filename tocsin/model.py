"""The field's nouns, as Prometheus and Alertmanager mean them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

Labels = Mapping[str, str]


class Severity(StrEnum):
    """How soon somebody must look; compare with `rank`."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Greater is worse."""
        return RANKS[self]


RANKS = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}


# What other rule sets write in `severity`, in our three words. Unknown ones are warnings: neither lost nor loud.
SEVERITY_SYNONYMS = {
    "page": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "error": Severity.CRITICAL,
    "high": Severity.CRITICAL,
    "ticket": Severity.WARNING,
    "none": Severity.INFO,
    "low": Severity.INFO,
    "notice": Severity.INFO,
}

WORDS = {severity.value: severity for severity in Severity} | SEVERITY_SYNONYMS


def severity_of(labels: Labels) -> Severity:
    """The severity that an alert's `severity` label means."""
    return WORDS.get(labels.get("severity", "").lower(), Severity.WARNING)


class Category(StrEnum):
    """What part of the world a rule watches."""

    INFRASTRUCTURE = "infrastructure"
    APPLICATION = "application"
    SECURITY = "security"
    ML = "ml"
    BUSINESS = "business"
    AUDIO = "audio"


class Alert(msgspec.Struct, frozen=True, gc=False):
    """One alert as Alertmanager tells it; `ends_at` is None while it fires.

    `expired`: nobody said that it ended; since `ends_at` Alertmanager no longer knows it. `identity` is for whoever
    reads alerts to note who it is.
    """

    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None
    fingerprint: str
    generator_url: str
    expired: bool = False
    identity: str = ""

    @property
    def firing(self) -> bool:
        return self.ends_at is None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")
