"""A report as JUnit XML, which GitLab, GitHub and Jenkins show: a suite for each pack, a case for each rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from generator.proof.verdict import Report, Verdict

# What XML 1.0 cannot hold at all.
UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """The report; an unproven rule is a case that was skipped."""
    suites = Element("testsuites", name="tocsin rules test")
    packs: dict[str, list[Verdict]] = {}
    for verdict in (*report.verdicts, *report.given):
        packs.setdefault(verdict.pack.source, []).append(verdict)
    for source, verdicts in packs.items():
        _suite(suites, source, [_case(verdict) for verdict in verdicts])
    for own in report.own:
        case = Element("testcase", name=own.file.name, classname=_clean(str(own.file.parent)), file=str(own.file))
        if own.why:
            _note(case, "failure", own.why.split("\n")[0], own.why)
        _suite(suites, str(own.file), [case])
    if problems := [problem for problem in report.problems if problem.severity == "error"]:
        cases = []
        for problem in problems:
            case = Element("testcase", name=_clean(problem.rule or problem.check), classname=_clean(problem.at.file))
            _note(case, "error", problem.message, f"{problem.at}: {problem.message}")
            cases.append(case)
        _suite(suites, "problems", cases)
    indent(suites)
    return tostring(suites, encoding="unicode", xml_declaration=True)


def _suite(suites: Element, name: str, cases: Sequence[Element]) -> None:
    counts = {kind: sum(case.find(tag) is not None for case in cases) for kind, tag in TAGS.items()}
    told = {kind: str(count) for kind, count in counts.items()}
    SubElement(suites, "testsuite", {"name": _clean(name), "tests": str(len(cases)), **told}).extend(cases)


TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _case(verdict: Verdict) -> Element:
    at = verdict.rule.at_name()
    case = Element(
        "testcase",
        name=_clean(verdict.rule.name),
        classname=_clean(verdict.pack.name),
        file=_clean(at.file),
        line=str(at.line),
    )
    for finding in verdict.findings:
        if finding.status == verdict.status:
            tag = "failure" if finding.status == "failed" else "skipped"
            _note(case, tag, finding.why, f"{finding.at}: {finding.why}\n{finding.hint}".strip())
            break  # JUnit knows one outcome of a case
    return case


def _note(case: Element, tag: str, message: str, text: str) -> None:
    SubElement(case, tag, message=_clean(message)).text = _clean(text)


def _clean(text: str) -> str:
    return UNSPEAKABLE.sub("?", text)
