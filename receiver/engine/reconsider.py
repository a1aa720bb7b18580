"""Looking again at what is held back: when a window ends, an age is reached, a cause is over, an alert is calm.

Asked for by a marker in the inbox, so that it happens in order with the alerts and the engine stays the one writer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from receiver.engine.correlate import Placement
from receiver.engine.effects import LookAgain
from receiver.engine.events import AlertRef, AlertsJoined, FlappingEnded
from receiver.engine.held import EVERYTHING, Hold, Kind, Suppression
from receiver.engine.hold import Stage, SuppressionRules, tell_causes
from receiver.engine.occurrence import Occurrence
from receiver.engine.working_set import WorkingSet


def look_again(
    said: Mapping[str, str], work: WorkingSet, rules: SuppressionRules, now: datetime
) -> list[tuple[Placement, Occurrence]]:
    """What goes to an incident after all. `work.shelf` holds what the marker asks for."""
    stage = Stage(work, rules, now)
    placed: list[tuple[Placement, Occurrence]] = []
    for identity in work.shelf.calm:
        placed += _calm(identity, stage, at_once=said.get("by") == EVERYTHING and rules.flapping is None)
    held: list[tuple[Occurrence, Hold]] = []
    for occurrence_id in work.shelf.due:
        suppression = work.shelf.suppressions.get(occurrence_id)
        occurrence = None if suppression is None else work.occurrences.get(suppression.identity)
        if (
            suppression is None
            or occurrence is None
            or occurrence.id != occurrence_id
            or occurrence.ends_at is not None
        ):
            continue
        hold = stage.verdict(occurrence)
        if hold is None:
            placed.append(_let_go(suppression, occurrence, stage))
        elif hold != suppression.hold:
            _hold_on(suppression, hold, stage)
            if hold.by != suppression.hold.by:
                held.append((occurrence, hold))
    tell_causes(held, stage)
    if work.shelf.more:
        last = max(work.shelf.due, default="")
        work.outcome.effects.append(LookAgain(now, by=said.get("by", ""), after=last))
    return placed


def _let_go(suppression: Suppression, occurrence: Occurrence, stage: Stage) -> tuple[Placement, Occurrence]:
    stage.shelf.let_go(occurrence.id)
    hold = suppression.hold
    why = f"held back since {suppression.since:%H:%M} UTC ({hold.kind.value}: {hold.reason}) and still firing"
    return replace(suppression.placement, besides=why), occurrence


def _hold_on(suppression: Suppression, hold: Hold, stage: Stage) -> None:
    """Another reason holds it now, or the same one for longer."""
    stage.shelf.hold(replace(suppression, hold=hold))
    if hold.look_at is not None:
        stage.ring(hold.look_at)


def _calm(identity: str, stage: Stage, *, at_once: bool) -> list[tuple[Placement, Occurrence]]:
    """Ends an alert's flapping, if nothing has changed since: its incident hears what has become of it."""
    history = stage.shelf.histories.get(identity)
    if history is None or not history.incident or history.look_at is None:
        return []
    if history.look_at > stage.now and not at_once:
        return []
    stage.shelf.forget(identity)
    latest = stage.work.occurrences.get(identity)
    suppression = None if latest is None else stage.shelf.suppressions.get(latest.id)
    open_ = latest is not None and latest.ends_at is None
    waits = suppression is not None and suppression.hold.kind is Kind.FLAPPING and open_
    if stage.open_incident(history.incident) is None:
        stage.tell_end(history)
        return [_let_go(suppression, latest, stage)] if waits and latest and suppression else []
    ref = history.pending or AlertRef(latest.id if latest else "", latest.name if latest else "")
    stage.tell(history.incident, FlappingEnded(ref, "it fires on" if open_ else "it has ended"))
    if waits and latest is not None:
        stage.shelf.let_go(latest.id)
        joined = AlertsJoined((AlertRef(latest.id, latest.name),), latest.severity, "calm, and still firing")
        stage.tell(history.incident, joined)
        stage.work.keep(latest.in_incident(history.incident))
    stage.tell_end(history)
    return []
