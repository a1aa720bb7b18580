"""The engine with everything around it in memory: it plays the part of the store, of its jobs and of the clock.

What a receiver must load for each batch (store/ledger.py, store/holding.py) is all here, in one working set that grows,
so that nothing has to be chosen; what happens later happens at its own time, in order.
"""

from __future__ import annotations

from datetime import datetime

from receiver.engine.effects import ActOn, ConsiderRunbooks, LookAgain, Send, SetAlarm, SetTimer, SyncSilences
from receiver.engine.events import AnyEvent, EscalationDue
from receiver.engine.held import LOOK_AGAIN, marker
from receiver.engine.message_events import MessageSent, MessageSkipped
from receiver.engine.notification import Body
from receiver.engine.pipeline import Read, Rules, process, read
from receiver.engine.plan import address
from receiver.engine.policy import step
from receiver.engine.seen import Seen
from receiver.engine.tenancy import confine
from receiver.engine.wanted import still_wanted
from receiver.engine.working_set import Outcome, WorkingSet
from receiver.heartbeats import notices
from receiver.heartbeats.judging import judge
from receiver.replay.later import CheckHeartbeats, Due, Later
from receiver.replay.played import Chronicle, Played, Sent
from receiver.replay.shelves import Shelves
from tocsin.model import Alert


class World:
    """One receiver's whole life on a virtual clock. Nobody in it acknowledges, and every message arrives at once."""

    def __init__(self, rules: Rules, began_at: datetime) -> None:
        self._rules = rules
        self._seen = Seen()
        self._work = WorkingSet()
        self._shelves = Shelves(rules.suppression.windows)
        self._later = Later()
        self._chronicle = Chronicle()
        self._heard: dict[str, datetime] = {}
        self._silent: set[str] = set()
        self._began_at = self.now = began_at
        self._wait_for_heartbeats()

    def take(self, body: Body, broken: str = "") -> None:
        """Processes a body at the time when it was received, after all that is due until then.

        `broken` says why it breaks the engine: it goes to quarantine, as the engine's loop has it.
        """
        self.until(body.received_at)
        self._process(body, broken)
        self.until(self.now)

    def until(self, moment: datetime) -> None:
        """Lets happen what is due until a moment. The clock never goes back."""
        while (found := self._later.next(moment)) is not None:
            self.now = max(self.now, found[0])
            self._happens(found[1])
        self.now = max(self.now, moment)

    def played(self) -> Played:
        """What everything came to so far."""
        held = {name: suppression.hold for name, suppression in self._shelves.suppressions.items()}
        return self._chronicle.played(self._work.incidents.values(), held, self._rules.holds)

    def _process(self, body: Body, broken: str = "") -> None:
        label = self._rules.tenant_label
        whole = Read.broken(body, broken) if broken else read(body, self._seen, label)
        reads = confine(whole, label)
        notification = whole.notification
        if notification.source == LOOK_AGAIN:
            shelf = self._shelves.look(notification.group_labels.get("by", ""), self._work.occurrences, self.now)
        else:
            shelf = self._shelves.shelf(self.now)
        self._work.shelf, self._work.outcome = shelf, Outcome()
        process(reads, self._work, self._rules, self.now)
        self._done(notification.alerts if not whole.error else (), body.content)

    def _done(self, alerts: tuple[Alert, ...] = (), content: bytes = b"") -> None:
        """What the store does with an outcome."""
        outcome = self._work.outcome
        self._chronicle.note(outcome, alerts, content)
        self._shelves.changed(outcome.held)
        self._later.put(outcome.effects)
        if outcome.signs:
            self._heard |= outcome.signs
            self._wait_for_heartbeats()

    def _happens(self, what: Due) -> None:
        match what:
            case SetTimer(incident=incident, step=number):
                self._decide(incident, EscalationDue(number))
            case SetAlarm(incident=incident, alarm=alarm):
                self._decide(incident, alarm)
            case SyncSilences() | ConsiderRunbooks() | ActOn():
                pass  # there is no Alertmanager in a replay, and nothing is done to the world
            case Send():
                self._send(what)
            case LookAgain(by=by, after=after):
                self._process(marker(self.now, by=by, after=after))
            case CheckHeartbeats():
                self._check_heartbeats()

    def _decide(self, incident_id: str, event: AnyEvent) -> None:
        """What `Decider` does."""
        incident = self._work.incidents[incident_id]
        self._work.outcome = Outcome()
        self._work.decided(incident, step(incident, event, self.now), self.now)
        self._done()

    def _send(self, send: Send) -> None:
        """What `Handlers` do, with channels that never fail."""
        where = address(send.channel, send.person)
        verdict = still_wanted(self._work.incidents[send.incident], where, send.message, send.round)
        if verdict.send:
            self._chronicle.sent.append(Sent(self.now, send.incident, where, send.message))
            self._decide(send.incident, MessageSent(send.channel, send.message, send.key, person=send.person))
        else:
            self._decide(
                send.incident, MessageSkipped(send.channel, send.message, send.key, verdict.reason, send.person)
            )

    def _wait_for_heartbeats(self) -> None:
        """Asks to be woken when the next one has been silent for too long, or at once when a silent one is back."""
        deadlines = []
        for one in self._rules.heartbeats:
            heard_at = self._heard.get(one.name)
            if one.name not in self._silent:
                deadlines.append((heard_at or self._began_at) + one.within)
            elif heard_at is not None and self.now - heard_at < one.within:
                deadlines.append(self.now)
        if deadlines:
            self._later.set("heartbeats", min(deadlines), CheckHeartbeats())

    def _check_heartbeats(self) -> None:
        """What `HeartbeatWatch` does every second."""
        silent, expected = frozenset(self._silent), self._rules.heartbeats
        for finding in judge(expected, self._heard, silent, started_at=self._began_at, settled_until=self.now):
            if finding.silent:
                self._silent.add(finding.heartbeat.name)
                self._process(notices.silence(finding.heartbeat, finding.heard_at, self.now))
            else:
                self._silent.discard(finding.heartbeat.name)
                self._process(notices.back(finding.heartbeat, self.now))
        self._wait_for_heartbeats()
