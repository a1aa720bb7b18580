"""Runs, approvals and the switch in words, for a terminal and a tired person."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from receiver.drawing.words import clean
from receiver.show import Json, clock
from receiver.show_runbooks import approval_in_words, cut, paragraph, steps_lines, table, value_in_words

OUTCOMES: Mapping[str, str] = {
    "dry_run": "dry run",
    "rolled_back": "ROLLED BACK",
    "failed": "FAILED",
    "unknown": "UNKNOWN",
    "stopped": "STOPPED",
}
STATES: Mapping[str, str] = {"awaiting": "waits for approval", "ready": "about to begin", "undoing": "taking it back"}
MOST_LINES = 30  # of a step's output


def how_it_is(run: Json) -> str:
    """The outcome of a run, else how far it is."""
    if run["outcome"]:
        return OUTCOMES.get(run["outcome"], str(run["outcome"]))
    return STATES.get(run["state"], str(run["state"]))


def run_table(runs: Sequence[Json], width: int) -> str:
    """One line a run."""
    if not runs:
        return "No runs."
    rows = [("ID", "ASKED FOR (UTC)", "INCIDENT", "RUNBOOK", "TARGET", "BY", "OUTCOME", "WHY")]
    for one in runs:
        at, by = clock(one["proposed_at"]), one["by"] or "itself"
        rows.append(
            (one["id"], at, one["incident"], one["runbook"], one["target"], by, how_it_is(one), one["reason"] or "")
        )
    return "\n".join(table(rows, width))


def record(run: Json, width: int) -> str:
    """The whole record of a run."""
    return "\n".join([*_head(run, width), *_taken(run, width), *_measured(run, width), *_end(run, width)])


def _head(run: Json, width: int) -> Iterator[str]:
    yield cut(f"{run['runbook']} on {run['target']}: {how_it_is(run)}", width)
    dry = "dry run, " if run["dry_run"] else ""
    yield f"{run['id']}  {dry}incident {run['incident']}, tenant {run['tenant']}"
    yield ""
    because = f": {run['requested_because']}" if run["requested_because"] else ""
    asked = f"{run['by']} at {clock(run['proposed_at'])}{because}" if run["by"] else f"itself, {_alert(run)}"
    yield from paragraph("asked by", asked, width)
    values = ", ".join(f"{name}={value}" for name, value in run["plan"]["values"].items())
    if values:
        yield from paragraph("values", values, width)
    yield from paragraph("plan", run["plan_hash"], width)
    yield from steps_lines(run["plan"], width)
    if run["plan"]["approval"] is not None and not run["dry_run"]:
        yield from paragraph("approval", approval_in_words(run["plan"]["approval"]), width)
    for word, said in [*(("yes", one) for one in run["approvals"]), *(("NO", one) for one in _no(run))]:
        reason = f": {said['reason']}" if said["reason"] else ""
        yield from paragraph("", f"{word}: {said['by']} at {clock(said['at'])}{_via(said)}{reason}", width)


def _via(said: Json) -> str:
    return f" ({said['via']})" if said["via"] not in ("", "api") else ""


def _alert(run: Json) -> str:
    return f"because of {run['plan']['alert']['name']} at {clock(run['proposed_at'])}"


def _no(run: Json) -> list[Json]:
    return [] if run["rejection"] is None else [run["rejection"]]


def _taken(run: Json, width: int) -> Iterator[str]:
    if not run["taken"]:
        return
    yield from ("", "What was done (UTC)")
    for one in run["taken"]:
        at = clock(one["began_at"] or one["ended_at"])
        back = "taking back " if one["undo"] else ""
        how = one["outcome"] or "has begun"
        shown = how if how in ("succeeded", "has begun") else how.upper()
        took = f" in {one['seconds']:g} s" if one["began_at"] and one["ended_at"] else ""
        yield from paragraph(at, f" {back}step {one['step']}: {one['does']}: {shown}{took}", width)
        if one["reason"]:
            yield from paragraph("why", one["reason"], width, indent=6)
        if one["before"]:
            before = ", ".join(f"{name}={value}" for name, value in one["before"].items())
            yield from paragraph("before", before, width, indent=6)
        yield from _output(one["output"], width)


def _output(output: str, width: int) -> Iterator[str]:
    lines = output.splitlines()
    for line in lines[:MOST_LINES]:
        yield cut(f"      | {clean(line)}", width)
    if len(lines) > MOST_LINES:
        yield f"      | … {len(lines) - MOST_LINES:,} more lines; --format json has them all"


def _measured(run: Json, width: int) -> Iterator[str]:
    if run["guards"]:
        yield from ("", "Guards")
        rows = [("  NAME", "BEFORE", "AFTER", "")]
        for one in run["guards"]:
            why = [one[key]["reason"] for key in ("before", "after") if one[key] and not one[key]["holds"]]
            values = (value_in_words(one["before"]), value_in_words(one["after"]))
            rows.append((f"  {one['name']}", *values, "; ".join(why)))
        yield from table(rows, width)
    if run["verified"] is not None:
        found = run["verified"]
        yield from ("", "It helped" if found["helped"] else "It DID NOT help")
        for one in found["observed"]:
            yield from paragraph("", f"{one['name']}: {value_in_words(one)} {one['reason']}".rstrip(), width)


def _end(run: Json, width: int) -> Iterator[str]:
    if run["ended_at"]:
        by = f" by {run['ended_by']}" if run["ended_by"] else ""
        yield ""
        yield from paragraph("end", f"{how_it_is(run)}{by} at {clock(run['ended_at'])}: {run['reason']}", width)


def approval_list(runs: Sequence[Json], width: int) -> str:
    """Each run that waits, with exactly what it would do, and how to say yes."""
    if not runs:
        return "Nothing waits for approval."
    return "\n\n".join("\n".join([*approval_lines(one, width), *_how_to_agree(one, width)]) for one in runs)


def _how_to_agree(run: Json, width: int) -> list[str]:
    return paragraph("say yes", f"tocsin runbooks approvals approve {run['id']}", width)


def approval_lines(run: Json, width: int) -> Iterator[str]:
    """One run that waits."""
    yield cut(f"{run['runbook']} on {run['target']}", width)
    yield from paragraph("run", run["id"], width)
    yield from paragraph("incident", f"{run['title']} ({run['incident']})", width)
    yield from paragraph("asked by", run["by"] or f"itself, because of {run['plan']['alert']['name']}", width)
    yield from steps_lines(run["plan"], width)
    who = ", ".join(run["approved_by"])
    agreed = f"; {who} {'has' if len(run['approved_by']) == 1 else 'have'} agreed" if who else ""
    yield from paragraph("approval", approval_in_words(run["plan"]["approval"]) + agreed, width)
    if run["expires_at"]:
        yield from paragraph("until", f"{clock(run['expires_at'])} UTC", width)
    yield from paragraph("plan", run["plan_hash"], width)


def switch(told: Json, width: int) -> str:
    """Whether all is stopped, and the stops before."""
    if told["stopped"]:
        head = f"All remediation is STOPPED since {clock(told['since'])} UTC by {told['by']}: {told['reason']}"
        lines = [*textwrap.wrap(clean(head), width), "", "To let it go on: tocsin remediation start"]
    else:
        lines = ["Remediation is on."]
    before = [one for one in told["stops"] if one["started_at"]]
    if before:
        rows = [("STOPPED (UTC)", "BY", "STARTED (UTC)", "BY", "WHY")]
        rows += [
            (clock(one["at"]), one["by"], clock(one["started_at"]), one["started_by"] or "-", one["reason"])
            for one in before
        ]
        lines += ["", *table(rows, width)]
    return "\n".join(lines)
