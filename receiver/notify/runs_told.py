"""What runbooks have done about an incident, or are doing, a sentence a run; pure, for every message and for `show`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.occurrence import one_line
from receiver.engine.run import Run
from receiver.engine.run_events import (
    NOTHING_DONE,
    RunApproved,
    RunEnded,
    RunProposed,
    RunRejected,
    RunStarted,
    RunVerified,
)
from receiver.notify.speech import Speech

MOST_AT_WORK = 3  # runs that are not over, the newest
LONGEST_NAME = 120
LONGEST_REASON = 200
TODAY = timedelta(hours=20)  # so long a time without its date is not mistaken

Story = Iterable[tuple[datetime, AnyEvent]]
NEWS = (RunProposed, RunApproved, RunRejected, RunStarted, RunEnded)


@dataclass(frozen=True, slots=True)
class Manner:
    """How runs are told: in which language, how times are written, and how text from outside is made safe."""

    speech: Speech
    time: Callable[[datetime], str]
    text: Callable[[str, int], str] = one_line

    @classmethod
    def plain(cls, speech: Speech, now: datetime) -> Manner:
        """As plain text; times of today are told without their date."""
        return cls(speech, lambda at: speech.clock(at) if abs(now - at) < TODAY else speech.time(at))


def told(incident: Incident, story: Story, manner: Manner) -> list[str]:
    """The newest run that did something (else the newest of all), and those that are not over."""
    at_work = [run for run in incident.runs if not run.over]
    over = [run for run in incident.runs if run.over]
    did = [run for run in over if run.outcome not in NOTHING_DONE]
    helped = verified(story) if did else frozenset()
    shown = [*(did or over)[-1:], *at_work[-MOST_AT_WORK:]]
    return [sentence(run, manner, helped=run.id in helped) for run in shown]


def of_event(event: AnyEvent, incident: Incident, story: Story, manner: Manner) -> str:
    """How the run stands that an event is of; an empty text: it is of none, or nothing that people follow."""
    run = incident.run(event.run) if isinstance(event, NEWS) else None
    return sentence(run, manner, helped=run.id in verified(story)) if run is not None else ""


def verified(story: Story) -> frozenset[str]:
    """The runs of which it was seen that they helped."""
    return frozenset(
        event.run for _, event in story if isinstance(event, RunVerified) and event.helped and event.observed
    )


def sentence(run: Run, manner: Manner, *, helped: bool = False) -> str:
    """One run. `helped`: that was seen; without a verification a run only succeeds."""
    name = run.state.value if not run.over else run.outcome or "unknown"
    known = "helped" if name == "succeeded" and helped else name
    return manner.speech.say(
        f"run_{known}",
        **naming(run, manner),
        at=manner.time(run.ended_at or run.started_at or run.proposed_at),
        until=manner.time(until(run)),
        reason=manner.text(run.reason, LONGEST_REASON).rstrip(".") or "?",
        step=run.step + 1,
        steps=len(run.plan.steps),
    )


def naming(run: Run, manner: Manner) -> dict[str, str]:
    """Which runbook, and on what."""
    return {
        "runbook": manner.text(run.plan.runbook, LONGEST_NAME),
        "target": manner.text(run.plan.target, LONGEST_NAME),
    }


def until(run: Run) -> datetime:
    """When an approval must be there."""
    terms = run.plan.approval
    return run.expires_at or run.proposed_at + (terms.expires if terms is not None else timedelta())


def run_about(incident: Incident, about: str) -> tuple[Run | None, int | None]:
    """The run that a message is about, and the step whose words it says; without a word about it the newest run."""
    name, _, step = about.partition("/")
    run = incident.run(name) if name else (incident.runs or (None,))[-1]
    return run, int(step) if step.isdecimal() and step.isascii() else None
