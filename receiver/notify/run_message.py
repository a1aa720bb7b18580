"""What is said where a message is about a run: what it asks people to approve, or what it has done, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from receiver.engine.plan import Message
from receiver.engine.run import Run
from receiver.engine.run_events import NEEDS_PEOPLE, Observed, RunProposed, RunStepBegan, RunStepEnded, StepOutcome
from receiver.engine.runs_planned import Action, Condition, RunPlan
from receiver.notify.channel import Envelope
from receiver.notify.runs_told import Manner, naming, run_about, sentence, until, verified

ABOUT_RUNS: frozenset[Message] = frozenset({"approval", "remediation"})
MOST_LINES = 20  # of a section
LONGEST_TEXT = 2_000  # of what a step says
LONGEST_DOES = 280  # two of them, escaped, fit into what Slack takes as one text
LONGEST_EXPR = 300
LONGEST_REASON = 200
BOUNDS = (("above", ">"), ("below", "<"), ("at_least", "≥"), ("at_most", "≤"), ("equals", "="))


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading."""

    label: str
    lines: tuple[str, ...]


def first_lines(envelope: Envelope, manner: Manner) -> list[str]:
    """What such a message begins with, a sentence an item."""
    run, step = run_about(envelope.incident, envelope.about)
    if run is None:
        return [manner.speech.say("run_none")]
    if envelope.message == "approval":
        return list(_asks(envelope, run, manner))
    return list(_tells(envelope, run, step, manner))


def sections(envelope: Envelope, manner: Manner) -> list[Section]:
    """What would be done, or was; what must be so before it and after it. For other messages nothing."""
    run, step = run_about(envelope.incident, envelope.about)
    if run is None or step is not None or envelope.message not in ABOUT_RUNS:
        return []
    plan, say = plan_of(envelope, run), manner.speech.say
    if envelope.message == "remediation":
        found = [Section(say("run_did"), tuple(_did(envelope, run, plan, manner)))]
    else:
        proposed = _proposed(envelope, run)
        seen = {one.name: one for one in proposed.observed} if proposed is not None else {}
        conditions = plan.verification.conditions if plan.verification is not None else ()
        found = [
            Section(say("run_would"), tuple(_would(plan, manner))),
            Section(say("run_checks"), tuple(_condition(one, seen.get(one.name), manner) for one in plan.guards)),
            Section(say("run_proof"), tuple(_condition(one, None, manner) for one in conditions)),
        ]
    return [_bounded(one, manner) for one in found if one.lines]


def commands(run: Run) -> tuple[str, str]:
    """How to say yes, and how no."""
    approvals = "tocsin runbooks approvals"
    return f"{approvals} approve {run.id} --plan {run.plan_hash}", f"{approvals} reject {run.id}"


def plan_of(envelope: Envelope, run: Run) -> RunPlan:
    """All that it would do: of a run that is over only its events still tell."""
    proposed = _proposed(envelope, run)
    return proposed.plan if proposed is not None else run.plan


def _proposed(envelope: Envelope, run: Run) -> RunProposed | None:
    events = (event for _, event in envelope.story if isinstance(event, RunProposed))
    return next((event for event in events if event.run == run.id), None)


def _asks(envelope: Envelope, run: Run, manner: Manner) -> Iterator[str]:
    say, plan, text = manner.speech.say, run.plan, manner.text
    proposed = _proposed(envelope, run)
    yield say("run_asks", **naming(run, manner), until=manner.time(until(run)))
    if plan.dry_run:
        yield say("run_dry")
    if plan.alert_name:
        reason = text(proposed.reason, LONGEST_REASON).rstrip(".") if proposed is not None else ""
        yield say("run_why" if reason else "run_for", alert=text(plan.alert_name, LONGEST_REASON), reason=reason)
    if run.by:
        yield say("run_asked_by", who=text(run.by, 100))
    if plan.approval is not None:
        approvals = manner.speech.count("approval", plan.approval.count)
        role = text(plan.approval.role, 100)
        yield say("run_takes_role" if role else "run_takes", approvals=approvals, role=role)
    if run.approved_by:
        yield say("run_agreed", who=text(", ".join(run.approved_by), LONGEST_REASON))
    yield say("run_plan", hash=run.plan_hash)


def _tells(envelope: Envelope, run: Run, step: int | None, manner: Manner) -> Iterator[str]:
    say = manner.speech.say
    if step is not None:
        steps = plan_of(envelope, run).steps
        said = str(steps[step].action.arguments.get("text", "")) if step < len(steps) else ""
        if said:
            yield manner.text(said, LONGEST_TEXT)
        yield say("run_says", **naming(run, manner))
        return
    yield sentence(run, manner, helped=run.id in verified(envelope.story))
    if run.outcome in NEEDS_PEOPLE:
        todo = "partly" if run.outcome == "rolled_back" and not _all_taken_back(envelope, run) else run.outcome
        yield say(f"run_todo_{todo}", target=naming(run, manner)["target"])


def _all_taken_back(envelope: Envelope, run: Run) -> bool:
    """Whether it is known that everything is as it was before."""
    own = [event for event in _steps(envelope, run) if isinstance(event, RunStepEnded)]
    back = {event.step for event in own if event.undo and event.outcome == "succeeded"}
    return bool(back) and all(event.step in back for event in own if not event.undo)


def _steps(envelope: Envelope, run: Run) -> list[RunStepBegan | RunStepEnded]:
    """What is known of its steps."""
    steps = (event for _, event in envelope.story if isinstance(event, RunStepBegan | RunStepEnded))
    return [event for event in steps if event.run == run.id]


def _would(plan: RunPlan, manner: Manner) -> Iterator[str]:
    for number, step in enumerate(plan.steps, 1):
        does = manner.text(step.action.does, LONGEST_DOES)
        if step.rollback is None:
            yield manner.speech.say("run_step_final", number=number, does=does)
        else:
            back = manner.text(step.rollback.does, LONGEST_DOES)
            yield manner.speech.say("run_step_back", number=number, does=does, back=back)


def _did(envelope: Envelope, run: Run, plan: RunPlan, manner: Manner) -> Iterator[str]:
    """Each step with how it ended, then what was taken back, in the order in which that happened."""
    own = _steps(envelope, run)
    ended = {(event.step, event.undo): event for event in own if isinstance(event, RunStepEnded)}
    begun = dict.fromkeys((event.step, event.undo) for event in own)
    numbers = range(len(plan.steps)) if plan.steps else sorted({step for step, _ in begun})
    for key in [*((number, False) for number in numbers), *(key for key in begun if key[1])]:
        yield _step(key, ended.get(key), plan, manner, begun=key in begun)


def _step(key: tuple[int, bool], ended: RunStepEnded | None, plan: RunPlan, manner: Manner, *, begun: bool) -> str:
    number, undo = key
    action = _action(plan, number, undo=undo)
    does = manner.text(action.does if action else ended.action if ended else "?", LONGEST_DOES)
    state: StepOutcome | str = ended.outcome if ended else "doing" if begun else "left"
    return manner.speech.say(
        f"run_step_{state}",
        number=number + 1,
        does=manner.speech.say("run_undo", does=does) if undo else does,
        reason=manner.text(ended.reason, LONGEST_REASON) if ended else "",
    )


def _action(plan: RunPlan, number: int, *, undo: bool) -> Action | None:
    if number >= len(plan.steps):
        return None
    return plan.steps[number].rollback if undo else plan.steps[number].action


def _condition(one: Condition, seen: Observed | None, manner: Manner) -> str:
    bounds = [f"{sign} {value:g}" for name, sign in BOUNDS if (value := getattr(one, name)) is not None]
    expr = manner.text(" ".join([one.expr, ", ".join(bounds)]).strip(), LONGEST_EXPR)
    name = manner.text(one.name, 100)
    if seen is None:
        return manner.speech.say("run_condition", name=name, expr=expr) if one.name != one.expr else expr
    value = f"{seen.value:g}" if seen.value is not None else manner.text(seen.reason, LONGEST_REASON)
    return manner.speech.say("run_condition_said", name=name, expr=expr, value=value)


def _bounded(section: Section, manner: Manner) -> Section:
    lines: Sequence[str] = section.lines
    more = len(lines) - MOST_LINES
    if more <= 0:
        return section
    return Section(section.label, (*lines[:MOST_LINES], manner.speech.say("hidden", more=manner.speech.number(more))))
