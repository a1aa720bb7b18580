"""A report as people read it, and as scripts do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.proof.judging import WAY_OUT
from generator.proof.verdict import OwnVerdict, Report, Status, Verdict
from tocsin.problem import as_json as problems_as_json

STATUSES: tuple[Status, ...] = ("failed", "unproven", "proven")


def as_text(report: Report, *, verbose: bool) -> str:
    """A line for each pack with its counts, then for each rule that is not proven why; with `verbose` for all."""
    lines = [line for source, verdicts in _by_source(report).items() for line in _pack(source, verdicts, verbose)]
    lines += [line for own in report.own for line in _own(own)]
    if any(finding.hint == WAY_OUT for verdict in report.verdicts for finding in verdict.findings):
        lines.append(f"  → to prove what is unproven, {WAY_OUT}")
    return "\n".join([*lines, _coverage(report)])


def _by_source(report: Report) -> Mapping[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in (*report.verdicts, *report.given):
        found.setdefault(verdict.pack.source, []).append(verdict)
    return found


def _pack(source: str, verdicts: Sequence[Verdict], verbose: bool) -> Iterator[str]:
    counts = {status: sum(verdict.status == status for verdict in verdicts) for status in reversed(STATUSES)}
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    yield f"{source}: {told}"
    for verdict in verdicts:
        if verbose or verdict.status != "proven":
            yield from _rule(verdict)


def _rule(verdict: Verdict) -> Iterator[str]:
    name = f"{verdict.pack.tenant}/{verdict.rule.name}" if verdict.pack.tenant else verdict.rule.name
    if verdict.status == "proven":
        tests = f"{verdict.tests} test{'' if verdict.tests == 1 else 's'}"
        yield f"  {name}: proven by {_whose(verdict)}, {tests}"
    for finding in verdict.findings:
        yield f"  {name}: {finding.status}: {finding.why} ({finding.at})"
        if finding.hint and finding.hint != WAY_OUT:  # that is said once, at the end
            yield f"      → {finding.hint}"


def _whose(verdict: Verdict) -> str:
    whose = {"generated": "generated tests", "pack": "its pack's tests", "tests": "tests that name it"}
    return whose[str(verdict.by)]


def _own(own: OwnVerdict) -> Iterator[str]:
    if not own.why:
        yield f"{own.file}: passed"
        return
    first, *more = own.why.split("\n")
    yield f"{own.file}: failed: {first.strip()}"
    yield from (f"    {line}" for line in more)
    if own.hint:
        yield f"      → {own.hint}"


def _coverage(report: Report) -> str:
    if report.coverage is None:
        return "coverage: there are no alerts"
    # Rounded down: 100 % is said of all alone.
    return f"coverage: {int(report.coverage)} % ({report.proven:,} of {len(report.alerts):,} alerts)"


def as_json(report: Report) -> str:
    """`{"problems": […], "rules": […], "tests": […], "coverage": {"percent", "proven", "alerts"}}`."""
    rules = [_row(verdict) for verdict in (*report.verdicts, *report.given)]
    tests = [
        {"file": str(own.file), "status": "failed" if own.why else "passed", "reason": own.why, "hint": own.hint}
        for own in report.own
    ]
    percent = None if report.coverage is None else round(report.coverage, 2)
    coverage = {"percent": percent, "proven": report.proven, "alerts": len(report.alerts)}
    return problems_as_json(report.problems, rules=rules, tests=tests, coverage=coverage)


def _row(verdict: Verdict) -> Mapping[str, Any]:
    at = verdict.rule.at_name()
    return {
        "pack": verdict.pack.name,
        "tenant": verdict.pack.tenant or None,
        "kind": verdict.rule.kind,
        "rule": verdict.rule.name,
        "file": at.file,
        "line": at.line,
        "status": verdict.status,
        "by": verdict.by if verdict.status == "proven" else None,
        "tests": verdict.tests,
        "findings": [
            {
                "status": finding.status,
                "reason": finding.why,
                "file": finding.at.file,
                "line": finding.at.line,
                "hint": finding.hint,
            }
            for finding in verdict.findings
        ],
    }
