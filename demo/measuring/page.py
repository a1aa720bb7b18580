"""The measured table in docs/guide/faults.md: written by this command, read by the test that measures anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from demo.compose import ROOT
from demo.measuring.showing import false_alerts, length
from demo.measuring.verdict import Finding, Verdict

PAGE = ROOT / "docs/guide/faults.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MOST_OTHERS = 4  # alerts that follow the first, in the table

_ROW = re.compile(
    r"^\| `(?P<fault>[\w-]+)` \| (?P<engine>\w+) \| `(?P<alert>\w+)` \| (?P<after>[\dhmin ]+) \|", re.MULTILINE
)
_LENGTH = re.compile(r"(?:(\d+) h)? ?(?:(\d+) min)?")


@dataclass(frozen=True, slots=True)
class Stated:
    """What the page says of a fault: the alert that tells of it first, and after how long."""

    alert: str
    after: timedelta


def renewed(page: str, verdicts: Sequence[Verdict]) -> str:
    """The page with what was measured between its two marks.

    Raises:
        ValueError: it has not both marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    table = "\n".join(_table(verdicts))
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def stated(page: str) -> Mapping[tuple[str, str], Stated]:
    """What a page says, by fault and engine."""
    return {
        (found["fault"], found["engine"]): Stated(found["alert"], _duration(found["after"]))
        for found in _ROW.finditer(page)
    }


def write(verdicts: Sequence[Verdict], file: Path = PAGE) -> None:
    file.write_text(renewed(file.read_text(encoding="utf-8"), verdicts), encoding="utf-8")


def _table(verdicts: Sequence[Verdict]) -> Iterable[str]:
    yield "| fault | engine | told first by | after | before all is used up | then |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for findings in zip(*(verdict.findings for verdict in verdicts), strict=True):
        for verdict, finding in zip(verdicts, findings, strict=True):
            yield _row(verdict.engine, finding)
    yield ""
    for verdict in verdicts:
        median = "unknown" if verdict.median is None else length(verdict.median)
        yield f"- `engine: {verdict.engine}`: the median is {median}; {false_alerts(verdict)}."


def _row(engine: str, finding: Finding) -> str:
    fault = f"| `{finding.episode.fault}` | {engine} |"
    if finding.first is None:
        return f"{fault} nothing | | | |"
    lead = length(finding.lead) if finding.lead is not None else ""
    others = ", ".join(f"`{one.alert}` ({length(finding.after(one))})" for one in finding.firings[1 : MOST_OTHERS + 1])
    more = len(finding.firings) - 1 - MOST_OTHERS
    then = f"{others} and {more} more" if more > 0 else others
    return f"{fault} `{finding.first.alert}` | {length(finding.after(finding.first))} | {lead} | {then} |"


def _duration(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text.strip())
    hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0)
    return timedelta(hours=hours, minutes=minutes)
