"""What every event is. What can happen stands in `events.py`."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """Something that happened to an incident; when is told beside it."""
