"""An occurrence: one alert from its firing to its end, and how it is told from every other."""

from __future__ import annotations

import base64
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from struct import pack

import msgspec
from msgspec.structs import replace

from tocsin.model import Labels, Severity, severity_of

SEPARATOR = "\udcff"  # how Python writes a byte 0xff that is no UTF-8
ID_LENGTH = 10  # 50 bits: short enough to type, enough for many millions


class OccurrenceStatus(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"
    EXPIRED = "expired"  # nobody said that it ended: Alertmanager no longer knows it


class Occurrence(msgspec.Struct, frozen=True, gc=False):
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
    parts = [source, tenant]
    for pair in sorted(labels.items()):
        parts += pair
    parts.append("")
    # The separator becomes the byte 0xff, which is never part of UTF-8: two label sets cannot run together. Text that
    # was read from JSON holds no lone surrogates.
    return blake2b(SEPARATOR.join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def occurrence_id(received_at: datetime, position: int, identity: str, starts_at: datetime) -> str:
    """An occurrence's id, made of what began it (docs/adr/0002). It begins with the second in which it was received:
    rows that come together lie together, and a store of any size takes new ones in at the same pace.
    """
    second, received = _received(received_at, position)
    began = b"".join((received, identity.encode(), pack("<d", starts_at.timestamp())))
    return second + blake2b(began, digest_size=6).hexdigest()


@lru_cache(maxsize=64)  # the alerts of a body share it
def _received(received_at: datetime, position: int) -> tuple[str, bytes]:
    timestamp = received_at.timestamp()
    return f"{int(timestamp):08x}", f"{timestamp}/{position}/".encode()


def new_id(*parts: object) -> str:
    """A short id made of what it is about: deciding again about the same input gives the same id."""
    digest = blake2b("/".join(str(part) for part in parts).encode(), digest_size=10).digest()
    return base64.b32hexencode(digest).decode().lower()[:ID_LENGTH]


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, without control characters, at most `limit` characters long."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
