"""Why an answer changes nothing, as far as whoever gave it is the reason."""

from __future__ import annotations

from receiver.decide import NoSuchIncident
from tocsin.errors import TocsinError


class Forbidden(TocsinError):
    """Somebody may not do this; the message says what is missing."""


class NotPossible(TocsinError):
    """What is asked for cannot be; the message says how it can."""


class NoSuchRun(NoSuchIncident):
    """The incident has no run of that id."""


class PlanChanged(NotPossible):
    """What somebody says yes or no to is not what the run would do."""
