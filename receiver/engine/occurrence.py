"""An occurrence: one alert from its firing to its end, and how it is told from every other."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from tocsin.model import Labels, Severity, severity_of

ID_LENGTH = 10  # 50 bits: short enough to type, enough for many millions


class OccurrenceStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    EXPIRED = "expired"  # nobody said that it ended: Alertmanager no longer knows it


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One alert from its firing to its end. At most one of an `identity` is open at any time.

    `not_before` is the end of the occurrence before it, which neither its start nor its end may precede: what lies
    before is told of the other one.
    """

    id: str
    identity: str
    tenant: str
    source: str
    fingerprint: str
    labels: Labels
    annotations: Labels
    generator_url: str
    starts_at: datetime
    ends_at: datetime | None = None
    incident: str | None = None
    expired: bool = False
    not_before: datetime | None = None

    @property
    def status(self) -> OccurrenceStatus:
        if self.ends_at is None:
            return OccurrenceStatus.FIRING
        return OccurrenceStatus.EXPIRED if self.expired else OccurrenceStatus.RESOLVED

    @property
    def severity(self) -> Severity:
        return severity_of(self.labels)

    def in_incident(self, incident: str) -> Occurrence:
        return replace(self, incident=incident)

    @property
    def name(self) -> str:
        return self.labels.get("alertname") or "an alert without a name"

    @property
    def summary(self) -> str:
        """What it says of itself: the summary annotation, else its name and where it is."""
        said = self.annotations.get("summary") or self.annotations.get("description") or ""
        where = self.labels.get("service") or self.labels.get("instance") or self.labels.get("job")
        return one_line(said) or (f"{self.name} on {where}" if where else self.name)


def identity_of(source: str, tenant: str, labels: Labels) -> str:
    """Who an alert is: sender, tenant and labels. Not `startsAt`, which moves when a second Prometheus reports."""
    digest = blake2b(digest_size=16)
    for part in (source, tenant, *(text for pair in sorted(labels.items()) for text in pair)):
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\xff")  # never part of UTF-8, so two label sets cannot run together
    return digest.hexdigest()


def new_id(*parts: object) -> str:
    """A short id made of what it is about: deciding again about the same input gives the same id."""
    digest = blake2b("/".join(str(part) for part in parts).encode(), digest_size=10).digest()
    return base64.b32hexencode(digest).decode().lower()[:ID_LENGTH]


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, without control characters, at most `limit` characters long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
