"""Plans, what became of them, and drift, as people and scripts read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.delivery.apply import Progress, State
from generator.delivery.drift import Drift
from generator.delivery.markdown import as_markdown
from generator.delivery.plan import Plan, Step
from generator.delivery.rows import as_rows
from generator.delivery.wording import Style, as_text, line, summary
from tocsin.words import plural

SIGNS = {"create": "+", "update": "~", "remove": "-"}
DONE = {"create": "created", "update": "updated", "remove": "removed"}
IN_THE_WAY = "is there already, and is not ours: it is not touched; move it away, or rename the pack"


def plan_text(plan: Plan, where: str, style: Style) -> str:
    """The plan: a line a step, and the rules that change."""
    return "\n".join(_plan(plan, where, style))


def _plan(plan: Plan, where: str, style: Style) -> Iterator[str]:
    for step in plan.steps:
        yield style.sign(SIGNS[step.action], f"{step.piece.name} ({_what(step)})")
        if step.difference and step.action == "update":
            yield as_text(step.difference, style, indent="    ")
    for name in plan.in_the_way:
        yield f"! {name} {IN_THE_WAY}"
    for name in plan.spared:
        yield f"  {name}: no pack makes it any more; it stays (--no-prune)"
    counts = {action: sum(step.action == action for step in plan.steps) for action in SIGNS}
    parts = [f"{count:,} to {action}" for action, count in counts.items() if count]
    parts += [f"{len(plan.in_the_way):,} in the way"] if plan.in_the_way else []
    parts += [f"{len(plan.kept):,} in step"] if plan.kept or not parts else []
    yield f"{where}: {', '.join(parts)}"


def _what(step: Step) -> str:
    if step.action == "update":
        labels = f"labels {_labels(step.labels)}" if step.labels else ""
        return ", ".join(filter(None, (summary(step.difference) if step.difference else "", labels)))
    count = sum(len(group.rules) for group in step.piece.groups)
    return plural(count, "rule") + ("; no pack makes it any more" if step.action == "remove" else "")


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{label}={value}" for label, value in labels.items())


def plan_rows(plan: Plan, where: str) -> dict[str, Any]:
    """The plan as an object for JSON."""
    return {
        "where": where,
        "steps": [
            {
                "action": step.action,
                "name": step.piece.name,
                "difference": as_rows(step.difference),
                "labels": dict(step.labels),
            }
            for step in plan.steps
        ],
        "in_step": list(plan.kept),
        "in_the_way": list(plan.in_the_way),
        "spared": list(plan.spared),
    }


def step_text(step: Step, state: State, why: str) -> str:
    """What became of one step, once something did."""
    if state == "applied":
        return f"{DONE[step.action]} {step.piece.name}"
    if state == "begun":
        return f"{step.action} {step.piece.name}: interrupted; it may have been done or not"
    word = "failed to" if state == "failed" else "did not"
    return f"{word} {step.action} {step.piece.name}: {line(why) or 'interrupted before it'}"


def progress_text(progress: Progress, where: str) -> str:
    """How it ended."""
    applied = sum(state == "applied" for _, state, _ in progress.rows())
    total = len(progress.plan.steps)
    lines = [f"! {name} {IN_THE_WAY}" for name in progress.plan.in_the_way]
    lines += [progress.finished] if progress.finished else []
    if progress.trouble and progress.trouble not in progress.why.values():  # told of a step already
        lines.append(f"! {line(progress.trouble)}")
    if not total and progress.is_done:
        said = f"{where}: nothing to do, {len(progress.plan.kept):,} in step"
    else:
        said = f"{where}: {applied:,} of {total:,} done"
    again = "" if progress.is_done else "; apply again does the rest"
    return "\n".join([*lines, said + again])


def progress_rows(progress: Progress, where: str) -> dict[str, Any]:
    """The same as an object for JSON."""
    return {
        "where": where,
        "done": progress.is_done,
        "steps": [
            {"action": step.action, "name": step.piece.name, "state": state, "why": why}
            for step, state, why in progress.rows()
        ],
        "in_step": list(progress.plan.kept),
        "in_the_way": list(progress.plan.in_the_way),
        "finished": progress.finished,
        "trouble": progress.trouble,
    }


def drift_text(drift: Drift, style: Style) -> str:
    """What runs against what was built: `+` is there and was not built."""
    lines = [as_text(drift.difference, style)] if drift.difference else []
    lines += [
        f"! {one.group} · {one.rule} cannot be evaluated: {line(one.error) or 'no reason given'}" for one in drift.sick
    ]
    lines += [f"! {name} has not {_labels(labels)}" for name, labels in drift.unlabelled.items()]
    amiss = summary(drift.difference) if drift.difference else "labels"
    said = "in step" if drift.in_step else f"drifted: {amiss}"
    return "\n".join([*lines, f"{drift.where}: {said}"])


def drift_rows(drift: Drift) -> dict[str, Any]:
    """The same as an object for JSON."""
    return {
        "where": drift.where,
        "in_step": drift.in_step,
        "difference": as_rows(drift.difference),
        "unlabelled": {name: dict(labels) for name, labels in drift.unlabelled.items()},
        "unhealthy": [
            {"file": one.file, "group": one.group, "rule": one.rule, "error": one.error} for one in drift.sick
        ],
    }


def drift_markdown(drift: Drift) -> str:
    """The same as a comment."""
    text = as_markdown(drift.difference, f"Drift: {drift.where}")
    sick = [f"- `{one.group}` · `{one.rule}` cannot be evaluated: {line(one.error)}" for one in drift.sick]
    bare = [f"- `{name}` has not {_labels(labels)}" for name, labels in drift.unlabelled.items()]
    return "\n".join([text, *sick, *bare])
