"""Which alerts runbooks are for, as far as the engine must know it: it asks that they are looked at, no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from receiver.engine.occurrence import Occurrence
from tocsin.labels import Matchers, matches


@dataclass(frozen=True, slots=True)
class Remedy:
    """A runbook's matchers and tenants (none: every one), and how long the first page waits for it."""

    runbook: str
    matchers: Matchers
    hold: timedelta = timedelta()
    tenants: tuple[str, ...] = ()

    def fits(self, alert: Occurrence) -> bool:
        return (not self.tenants or alert.tenant in self.tenants) and matches(self.matchers, alert.labels)


@dataclass(frozen=True, slots=True)
class Remedies:
    """Those of all runbooks."""

    all: tuple[Remedy, ...] = ()

    def any_for(self, alerts: Iterable[Occurrence]) -> bool:
        """Whether any runbook is for any of these alerts."""
        return bool(self.all) and any(one.fits(alert) for alert in alerts for one in self.all)

    def hold(self, alert: Occurrence) -> timedelta:
        """How long the first page of an incident waits that this alert opens."""
        return max((one.hold for one in self.all if one.hold and one.fits(alert)), default=timedelta())
