"""Storms: above a rate, new incidents of a tenant are folded into one, so that a hundred pages become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from receiver.engine.causes.board import Board
from receiver.engine.causes.settings import StormSettings
from receiver.engine.correlate import Placement
from receiver.engine.effects import LookAgain
from receiver.engine.events import StormBegan, StormEnded
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, new_id
from receiver.engine.policy import step
from receiver.engine.working_set import WorkingSet
from tocsin import duration

BY = "storm/"  # before the tenant, in a marker that asks whether its storm is over
NAMED = 5  # services and names in a sentence


@dataclass(frozen=True, slots=True)
class Storms:
    """When a storm begins and ends; `label` names the service that counts are given by."""

    settings: StormSettings
    label: str = "service"

    def fold(self, placement: Placement, first: Occurrence, work: WorkingSet, now: datetime) -> Placement:
        """Where alerts go that would open an incident: to it, or to the one that stands for the storm."""
        board = work.board(first.tenant)
        at = now.timestamp()
        while board.openings and at - board.openings[0] > self.settings.within.total_seconds():
            board.openings.popleft()
        board.openings.append(at)
        summary = work.incidents.get(board.storm)
        on = summary is not None and summary.storm and summary.status is not IncidentStatus.RESOLVED
        if not on and len(board.openings) <= self.settings.incidents:
            return placement
        if not on:
            board.storm = new_id("storm", first.id)
            board.folded = Counter()
        board.folded[first.labels.get(self.label) or "no service", first.name] += 1
        if placement.incident:
            board.goes_into(placement.incident, board.storm)
        work.outcome.effects.append(LookAgain(now + self.settings.calm, by=BY + first.tenant))
        return replace(placement, key=BY + board.storm, incident=board.storm, root=None, follows="", odds=0.0)

    def title(self) -> str:
        within = duration.show(self.settings.within)
        return f"Storm: more than {self.settings.incidents} new incidents in {within}, folded into this one"

    def begins(self, incident: Incident, work: WorkingSet, now: datetime) -> Incident:
        """Says on the timeline of a new summary what it stands for."""
        reason = f"{self.title()}; it ends when no new one has come for {duration.show(self.settings.calm)}"
        return work.decided(incident, step(incident, StormBegan(reason), now), now)

    def ends(self, said: Mapping[str, str], work: WorkingSet, now: datetime) -> None:
        """When a marker asks: ends the tenant's storm if nothing new has come for long enough."""
        if not said.get("by", "").startswith(BY):
            return
        board = work.board(said["by"].removeprefix(BY))
        incident = work.incidents.get(board.storm)
        if incident is None or not incident.storm:
            return
        last = board.openings[-1] if board.openings else 0.0
        if now - datetime.fromtimestamp(last, now.tzinfo) < self.settings.calm - timedelta(seconds=1):
            return
        reason = f"calm for {duration.show(self.settings.calm)}; folded were {_counts(board)}"
        work.decided(incident, step(incident, StormEnded(reason), now), now)
        board.storm = ""


def _counts(board: Board) -> str:
    services: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for (service, name), count in board.folded.items():
        services[service] += count
        names[name] += count
    causes = ", ".join(sorted(names, key=lambda name: (-board.learned.followers(name, board.learned.at), name))[:3])
    return f"{services.total()} would-be incidents: {_most(services)}; likeliest causes: {causes or 'none is known'}"


def _most(counts: Counter[str]) -> str:
    told = ", ".join(f"{name} {count}" for name, count in counts.most_common(NAMED))
    more = len(counts) - NAMED
    return told + (f" and {more} more services" if more > 0 else "")
