"""The field's nouns, as Prometheus and Alertmanager mean them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Labels = Mapping[str, str]


class Severity(StrEnum):
    """How soon somebody must look; compare with `rank`."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Greater is worse."""
        return {"critical": 2, "warning": 1, "info": 0}[self.value]


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


def severity_of(labels: Labels) -> Severity:
    """The severity that an alert's `severity` label means."""
    word = labels.get("severity", "").lower()
    try:
        return Severity(word)
    except ValueError:
        return SEVERITY_SYNONYMS.get(word, Severity.WARNING)


class Category(StrEnum):
    """What part of the world a rule watches."""

    INFRASTRUCTURE = "infrastructure"
    APPLICATION = "application"
    SECURITY = "security"
    ML = "ml"
    BUSINESS = "business"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as Alertmanager tells it; `ends_at` is None while it fires.

    `expired`: nobody said that it ended; since `ends_at` Alertmanager no longer knows it.
    """

    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime | None
    fingerprint: str
    generator_url: str
    expired: bool = False

    @property
    def firing(self) -> bool:
        return self.ends_at is None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")
