"""What can happen to an incident in Alertmanager. Stored for ever, as `events.py` says."""

from __future__ import annotations

from datetime import datetime

import msgspec

from receiver.engine.event import Event


class SilencesLooked(Event, frozen=True, tag="silences_looked"):
    """All silences are as they should be. Only ever asked about: what comes of it is another look, then."""

    again_at: datetime


class SilenceWritten(Event, frozen=True, tag="silence_written"):
    """Alertmanager is silent about alerts of it until then or, if it is `kept`, for as long as somebody has it."""

    source: str
    id: str
    until: datetime
    matchers: tuple[str, ...]
    kept: bool = False


class SilenceRemoved(Event, frozen=True, tag="silence_removed"):
    """A silence of ours has ended; `there`: somebody ended it in Alertmanager, and it is not written again."""

    source: str
    id: str
    reason: str
    there: bool = False


class SilenceFailed(Event, frozen=True, tag="silence_failed"):
    """Given up for now; what can be tried again is no event."""

    source: str
    reason: str


class ForeignSilence(msgspec.Struct, frozen=True, order=True):
    """A silence that was not written for an incident and matches alerts of it."""

    source: str
    id: str
    by: str
    comment: str
    until: datetime


class SilencesSeen(Event, frozen=True, tag="silences_seen"):
    """All silences of a source, made elsewhere, that match its alerts now."""

    source: str
    silences: tuple[ForeignSilence, ...]
