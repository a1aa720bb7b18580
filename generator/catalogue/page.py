"""One pack's page: its parameters, and each rule with what it says, when it fires and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.catalogue.markdown import Anchors, block, code, link, message, plain, table
from generator.catalogue.words import words
from generator.resolve import as_text
from generator.rule import Group, Pack, Rule
from tocsin import duration
from tocsin.promql import number

INDEX = "README.md"
LINKS = {"runbook_url": "Runbook", "dashboard_url": "Dashboard"}
SHOWN_ANNOTATIONS = frozenset({"summary", "description", "tocsin_for", "tocsin_pack", *LINKS})


def page(pack: Pack) -> str:
    """The pack as Markdown, the same bytes for the same pack."""
    anchors = Anchors()
    anchors.of(pack.name)
    for heading in ("Parameters", "Alerts"):
        anchors.of(heading)
    chapters = [(group, anchors.of(f"Group {group.name}"), _anchored(group, anchors)) for group in pack.groups]
    rules = [pair for _, _, pairs in chapters for pair in pairs]
    parts = [f"# {pack.name}", _about(pack), f"[All packs]({INDEX})"]
    parts += ["## Parameters", *_parameters(pack)]
    parts += ["## Alerts", *_overview(rules)]
    for group, _, pairs in chapters:
        parts += [f"## Group {plain(group.name)}", *_pace(group)]
        for rule, _ in pairs:
            parts += _rule(rule)
    return "\n\n".join(parts) + "\n"


def _anchored(group: Group, anchors: Anchors) -> list[tuple[Rule, str]]:
    return [(rule, anchors.of(rule.name)) for rule in group.rules]


def counted(pack: Pack) -> dict[str, int]:
    """How many alerts and recording rules it has."""
    kinds = [rule.kind for rule in pack.rules]
    return {"alert": kinds.count("alert"), "recording rule": kinds.count("record")}


def owner(pack: Pack) -> str:
    """Who answers for it; empty where nobody is named."""
    metadata = pack.origin.document.data.get("metadata")
    return str(metadata.get("owner") or "") if isinstance(metadata, dict) else ""


def _about(pack: Pack) -> str:
    counts = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counted(pack).items())
    owned = f"Owner: {plain(owner(pack))}. " if owner(pack) else ""
    return f"{owned}{counts}, from {code(pack.source)}."


def _parameters(pack: Pack) -> Iterator[str]:
    declared: Mapping[str, Any] = pack.origin.document.data.get("params") or {}
    rows = [
        [
            code(name),
            code(as_text(param["default"])),
            plain(str(param.get("unit") or "")),
            _bounds(param),
            plain(str(param.get("doc") or "")),
        ]
        for name, param in declared.items()
    ]
    yield table(["parameter", "default", "unit", "bounds", "meaning"], rows) if rows else "None."


def _bounds(param: Mapping[str, Any]) -> str:
    low, high = (None if param.get(key) is None else number(float(param[key])) for key in ("min", "max"))
    if low is None:
        return "" if high is None else f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _overview(rules: Sequence[tuple[Rule, str]]) -> Iterator[str]:
    rows = [
        [f"[{plain(rule.name)}](#{anchor})", rule.severity or "", duration.show(rule.hold), _line(rule)]
        for rule, anchor in rules
        if rule.kind == "alert"
    ]
    yield table(["alert", "severity", "for", "what it says"], rows) if rows else "None."


def _line(rule: Rule) -> str:
    return " ".join(message(rule.annotations.get("summary", "")).split())


def _pace(group: Group) -> Iterator[str]:
    if group.interval:
        yield f"Evaluated every {duration.show(group.interval)}."


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {plain(rule.name)}"
    if rule.annotations.get("summary"):
        yield _line(rule)
    if rule.annotations.get("description"):
        yield message(rule.annotations["description"])
    facts = [*_facts(rule), *_labels(rule), *_annotations(rule)]
    if facts:
        yield "\n".join(f"- {fact}" for fact in facts)
    yield f"{_when(rule)}: {_sentence(rule)}"
    yield block(rule.expr.text, "promql")


def _when(rule: Rule) -> str:
    if rule.kind == "record":
        return f"Recorded for {plain(rule.recorded_for)}" if rule.recorded_for else "Records"
    return "Fires for"


def _sentence(rule: Rule) -> str:
    """The PromQL in words; backquotes in it are meant, all else is text."""
    said = words(rule.expr.tree).split("`")
    return "`".join(" ".join(part.split("\n")) if index % 2 else _text(part) for index, part in enumerate(said)) + "."


def _text(part: str) -> str:
    """`plain`, with the spaces at both ends that stand beside code."""
    inner = plain(part)
    return f"{' ' * part.startswith(' ')}{inner}{' ' * (part.endswith(' ') and bool(inner))}"


def _facts(rule: Rule) -> Iterator[str]:
    if rule.severity:
        held = f", once it has lasted for {duration.show(rule.hold)}" if rule.hold else ", at once"
        yield f"{rule.severity}{held}"
    if rule.keep_firing_for:
        yield f"goes on firing for {duration.show(rule.keep_firing_for)} afterwards"
    for annotation, text in LINKS.items():
        if annotation in rule.annotations:
            yield link(text, rule.annotations[annotation])


def _labels(rule: Rule) -> Iterator[str]:
    labels = {name: value for name, value in rule.labels.items() if name != "severity"}
    if labels:
        yield "labels: " + ", ".join(code(f"{name}={value}") for name, value in labels.items())


def _annotations(rule: Rule) -> Iterator[str]:
    for name, value in rule.annotations.items():
        if name not in SHOWN_ANNOTATIONS:
            yield f"{code(name)}: {' '.join(message(value).split())}"
