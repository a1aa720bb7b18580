"""Runbooks and what they would do, in words, for a terminal and a tired person: the verdict first."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from receiver.drawing.words import clean
from receiver.show import Json

NARROWEST, WIDEST = 60, 140
ASIDE = 10  # letters of what stands before a paragraph


def terminal_width() -> int:
    """How wide lines may be: as the terminal, within what can be read."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((100, 24)).columns))


def cut(line: str, width: int) -> str:
    """The line, no wider than that."""
    return line if len(line) <= width else line[: width - 1] + "…"


def paragraph(aside: str, text: str, width: int, indent: int = 2) -> list[str]:
    """A text with a word before it: what does not fit goes on below, under its beginning."""
    first = f"{' ' * indent}{aside.ljust(ASIDE)}"
    words = clean(text) or "-"
    return textwrap.wrap(words, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Rows under their headings; the last column has what is left of the width."""
    last = len(rows[0]) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(last)] + [0]
    lines = ["  ".join(clean(cell).ljust(wide) for cell, wide in zip(row, widths, strict=True)) for row in rows]
    return [cut(line.rstrip(), width) for line in lines]


def runbook_list(runbooks: Sequence[Json], width: int) -> str:
    """Each runbook: what it is for, what it does, within which bounds."""
    if not runbooks:
        return "No runbooks."
    return "\n\n".join("\n".join(_runbook(one, width)) for one in runbooks)


def _runbook(one: Json, width: int) -> Iterator[str]:
    does = "acts" if one["mode"] == "apply" else "only shows what it would do (mode dry-run)"
    begins = "by itself" if one["automatic"] else "only when a person asks"
    yield cut(f"{one['name']}: {does}, begins {begins}", width)
    if one["doc"]:
        yield from paragraph("", one["doc"], width)
    yield from paragraph("for", f"{{{', '.join(one['matchers'])}}}{_tenants(one['tenants'])}", width)
    yield from paragraph("on", _targets(one["targets"]), width)
    for number, step in enumerate(one["steps"], 1):
        yield from _step(number, step["does"], step["rollback"], width)
    for guard in one["guards"]:
        yield from paragraph("guard", f"{guard['name']}: {guard['bounds']}", width)
    yield from _helped(one["verification"], width)
    if one["approval"] is not None:
        yield from paragraph("approval", approval_in_words(one["approval"]), width)
    yield from paragraph("limits", "; ".join(one["limits"]), width)
    yield from paragraph("file", one["where"], width)


def _tenants(tenants: Sequence[str]) -> str:
    return f" of {', '.join(tenants)}" if tenants else ""


def _targets(targets: Json) -> str:
    if targets["allow"] is None:
        return f"{targets['pattern']}; which are allowed is told to whoever sees all of its tenants"
    allowed = [*targets["allow"], *(f"whatever fits {pattern}" for pattern in targets["allow_matching"])]
    return f"{targets['pattern']}, allowed: {', '.join(allowed) or 'nothing yet'}"


def approval_in_words(terms: Json) -> str:
    """`2 people with the role sre, within 10m`."""
    who = f"with the role {terms['role']}" if terms["role"] else "who may approve"
    return f"{terms['count']} {'person' if terms['count'] == 1 else 'people'} {who}, within {terms['expires']}"


def _step(number: int, does: str, rollback: str | None, width: int) -> Iterator[str]:
    yield from paragraph(f"step {number}", does, width)
    back = f"taken back by: {rollback}" if rollback else "cannot be taken back"
    yield from paragraph("", back, width)


def _helped(verification: Json | None, width: int) -> Iterator[str]:
    if verification is None:
        yield from paragraph("helped", "nothing is verified afterwards", width)
        return
    conditions = " and ".join(f"{one['name']}: {one['bounds']}" for one in verification["conditions"])
    lasting = f" for {verification['lasting']}" if verification["lasting"] != "0s" else ""
    yield from paragraph("helped", f"if {conditions}{lasting}, within {verification['within']}", width)


def plans(incident: Json, possible: Sequence[Json], width: int) -> str:
    """What each runbook that fits would do about an incident now."""
    head = [cut(clean(incident["title"]), width)]
    head.append(f"{incident['id']}  {incident['severity']}, {incident['status']}{_whose(incident)}")
    if not possible:
        return "\n".join([*head, "", "No runbook is for the alerts of it that fire."])
    rows = [("RUNBOOK", "TARGET", "NOW"), *((one["runbook"], one["target"] or "-", verdict(one)) for one in possible)]
    parts = ["\n".join(head), "\n".join(table(rows, width))]
    parts += ["\n".join([*plan_lines(one, width), *_how_to_run(incident["id"], one, width)]) for one in possible]
    return "\n\n".join(parts)


def _how_to_run(incident: str, one: Json, width: int) -> list[str]:
    if one["refusal"] or one["runs"]:
        return []
    target = shlex.quote(one["target"])
    return paragraph("run it", f"tocsin runbooks run {incident} {one['runbook']} --target {target}", width)


def _whose(incident: Json) -> str:
    return f", {incident['acknowledged_by']} has it" if incident["status"] == "acknowledged" else ""


def verdict(one: Json) -> str:
    """What would come of it now, in a few words."""
    if one["plan"] is None:
        return f"CANNOT be planned: {one['refusal']}"
    if one["refusal"]:
        return f"WOULD NOT BEGIN: {one['refusal']}"
    if one["runs"]:
        return f"is at it: {one['runs'][0]}"
    if one["plan"]["dry_run"]:
        return "only shows what it would do"
    return "waits for approval, then begins" if one["needs_approval"] else "begins at once"


def plan_lines(one: Json, width: int) -> Iterator[str]:
    """One plan: each step with what takes it back, each guard with its value, what is verified, the limits."""
    yield cut(f"{one['runbook']} on {one['target'] or 'no target'}", width)
    if one["doc"]:
        yield from paragraph("", one["doc"], width)
    yield from paragraph("now", verdict(one), width)
    yield from paragraph("about", f"{one['alert']['name']} ({one['alert']['id']})", width)
    plan: Json | None = one["plan"]
    if plan is None:
        return
    yield from steps_lines(plan, width)
    for guard in one["guards"]:
        yield from paragraph("guard", _guard(guard), width)
    if not one["guards"]:
        yield from paragraph("guard", "none", width)
    yield from _helped(plan["verification"], width)
    if one["needs_approval"]:
        yield from paragraph("approval", approval_in_words(plan["approval"]), width)
    yield from paragraph("limits", "; ".join(one["limits"]), width)
    yield from paragraph("plan", plan["plan_hash"], width)


def steps_lines(plan: Json, width: int) -> Iterator[str]:
    """The steps of a plan in words."""
    for number, step in enumerate(plan["steps"], 1):
        back = step["rollback"]
        yield from _step(number, step["does"], None if back is None else back["does"], width)


def _guard(guard: Json) -> str:
    value = value_in_words(guard)
    if guard["holds"]:
        return f"ok   {guard['name']}: {value} ({guard['bounds']})"
    known = f"{value}, must be {guard['bounds']}" if guard["value"] is not None else guard["reason"]
    return f"NO   {guard['name']}: {known}"


def value_in_words(seen: Json | None) -> str:
    """What an expression gave."""
    if seen is None:
        return "-"
    return "no value" if seen["value"] is None else f"{seen['value']:g}"
