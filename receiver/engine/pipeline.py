"""The engine, in the order in which a notification goes through it: ingest → suppress → correlate → policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from receiver.engine.causes.people import DECISION, decide, identities_said
from receiver.engine.causes.storm import Storms
from receiver.engine.correlate import Correlator
from receiver.engine.counting import refuse_crowd
from receiver.engine.events import (
    AlertRef,
    AlertsExpired,
    AlertsResolved,
    AnyEvent,
)
from receiver.engine.heartbeat import Heartbeat, hear
from receiver.engine.held import LOOK_AGAIN
from receiver.engine.hold import SuppressionRules, hold_back, note_joined
from receiver.engine.ingest import Change, Sighting, distinct, identities, ingest, tenant_of
from receiver.engine.joining import join
from receiver.engine.notification import Body, Notification, NotUnderstood, quarantine_notice
from receiver.engine.occurrence import Occurrence
from receiver.engine.onset import Holds
from receiver.engine.policy import step
from receiver.engine.reconsider import look_again
from receiver.engine.remedies import Remedies
from receiver.engine.reopen import returned
from receiver.engine.routing import Routing
from receiver.engine.seen import Seen
from receiver.engine.suppress import suppress
from receiver.engine.working_set import WorkingSet

OUR_OWN = (LOOK_AGAIN, DECISION)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the decisions rest on besides the alerts: the configuration's part in the engine."""

    correlator: Correlator
    routing: Routing = field(default_factory=Routing)
    tenant_label: str = "tenant"
    suppression: SuppressionRules = field(default_factory=SuppressionRules)
    reopen_within: timedelta = timedelta()
    heartbeats: tuple[Heartbeat, ...] = ()
    settle: timedelta = timedelta()  # how long the first page of an incident waits for its cause
    storms: Storms | None = None
    remedies: Remedies = field(default_factory=Remedies)  # which alerts runbooks are for
    holds: Holds = field(default_factory=Holds)  # each alert's `for`: with it `onset` tells when the trouble began


@dataclass(frozen=True, slots=True)
class Read:
    """A body as the engine reads it; `error` says why it had to be replaced by a notice about itself."""

    body: Body
    notification: Notification
    error: str = ""

    @classmethod
    def broken(cls, body: Body, error: str) -> Read:
        """A body that cannot be processed, as a notice that tells people so."""
        return cls(body, quarantine_notice(body, error), error)


def read(body: Body, seen: Seen, tenant_label: str) -> Read:
    """Decodes a body; one that is not understood becomes a notice that tells people so."""
    try:
        refuse_crowd(body)
        return Read(body, seen.decode(body, tenant_label))
    except NotUnderstood as error:
        return Read.broken(body, str(error))


def needs(bodies: Iterable[Read], rules: Rules) -> tuple[set[str], set[str]]:
    """What must be known before `process`: identities of alerts, keys of incidents."""
    alerts: set[str] = set()
    keys: set[str] = set()
    for one in bodies:
        alerts.update(identities(one.notification, rules.tenant_label))
        alerts.update(identities_said(one.notification))
        tenants = {tenant_of(alert, rules.tenant_label) for alert in one.notification.alerts}
        keys |= rules.correlator.keys(one.notification, tenants)
    return alerts, keys


def tenants_of(bodies: Iterable[Read], rules: Rules) -> set[str] | None:
    """The tenants whose incidents `process` may touch; None: any, since people or we ourselves said something."""
    tenants: set[str] = set()
    for one in bodies:
        if one.notification.source in OUR_OWN:
            return None
        tenants |= {tenant_of(alert, rules.tenant_label) for alert in one.notification.alerts}
    return tenants


def process(bodies: Iterable[Read], work: WorkingSet, rules: Rules, now: datetime) -> Counter[str]:
    """Takes bodies through the engine, in order; what was decided is in `work.outcome`.

    Returns how many sightings were held back, by reason.
    """
    held: Counter[str] = Counter()
    work.holds = rules.holds
    for one in bodies:
        if one.error:
            work.outcome.quarantined.append((one.body, one.error))
        heard = hear(one.notification, rules.heartbeats)
        work.outcome.signs |= dict.fromkeys(heard.signs, one.body.received_at)
        held += Counter({"heartbeat": heard.taken})
        for part in distinct(heard.rest, rules.tenant_label):
            held += _process(part, work, rules, now)
    work.outcome.held = work.shelf.changes
    for tenant, board in work.boards.items():
        if (learned := board.due(now.timestamp())) is not None:
            work.outcome.learned[tenant] = learned
    return held


def _process(notification: Notification, work: WorkingSet, rules: Rules, now: datetime) -> Counter[str]:
    if notification.source == DECISION:
        decide(notification.group_labels, work, rules.routing, now)
        return Counter()
    if notification.source == LOOK_AGAIN:
        if rules.storms is not None:
            rules.storms.ends(notification.group_labels, work, now)
        let_go = look_again(notification.group_labels, work, rules.suppression, now)
        again = list(rules.correlator.again(let_go, work, now))
        join(again, work, rules, now, notification.traceparent)
        note_joined([occurrence for _, occurrence in again], work, rules.suppression, now)
        return Counter()
    sightings = list(ingest(notification, work.occurrences, rules.tenant_label))
    passed, held = suppress(sightings)
    passed, kept_back = hold_back(notification, sightings, passed, work, rules.suppression, rules.correlator, now)
    _keep_state(sightings, work)
    _end([s.occurrence for s in passed if s.change is Change.RESOLVED], work, now, AlertsResolved)
    _expire([s for s in passed if s.change is Change.EXPIRED], work, now)
    fired = [
        (sighting.occurrence, returned(sighting, work, rules.reopen_within, now))
        for sighting in passed
        if sighting.change is Change.FIRED
    ]
    placed = list(rules.correlator.place(notification, fired, work, now))
    join(placed, work, rules, now, notification.traceparent)
    note_joined([occurrence for _, occurrence in placed], work, rules.suppression, now)
    return held + kept_back


def _keep_state(sightings: Iterable[Sighting], work: WorkingSet) -> None:
    for sighting in sightings:
        if sighting.change not in (Change.REPEATED, Change.LATE):
            work.keep(sighting.occurrence)


def _expire(expired: Iterable[Sighting], work: WorkingSet, now: datetime) -> None:
    by_reason: dict[str, list[Occurrence]] = {}
    for sighting in expired:
        by_reason.setdefault(sighting.reason, []).append(sighting.occurrence)
    for reason, occurrences in by_reason.items():
        _end(occurrences, work, now, partial(AlertsExpired, reason=reason))


def _end(
    ended: Iterable[Occurrence], work: WorkingSet, now: datetime, event: Callable[[tuple[AlertRef, ...]], AnyEvent]
) -> None:
    by_incident: dict[str, list[AlertRef]] = {}
    for occurrence in ended:
        if occurrence.incident is not None:
            home = work.home(occurrence.incident) or work.incidents[occurrence.incident]
            by_incident.setdefault(home.id, []).append(AlertRef(occurrence.id, occurrence.name))
            if home.root is not None and home.root.alert.id == occurrence.id and occurrence.ends_at is not None:
                work.board(home.tenant).ends(home.id, occurrence.ends_at.timestamp())
    for incident_id, alerts in by_incident.items():
        incident = work.incidents[incident_id]
        work.decided(incident, step(incident, event(tuple(alerts)), now), now)
