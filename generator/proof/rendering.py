"""Labels and annotations as they were rendered: what nobody should read in a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from generator import gotemplate
from generator.checks.dropped_label import used
from generator.context import place, texts
from generator.labelflow import labels_of
from generator.proof.answer import Alert
from generator.proof.case import Author
from generator.proof.verdict import Finding, blame
from generator.rule import Rule

BROKEN = "<error expanding template: "
NO_VALUE = "<no value>"
HINT = "see Go's text/template, and the functions that Prometheus adds to it"


def findings(
    rule: Rule, alerts: Sequence[Alert], recorded: Mapping[str, Sequence[Rule]], author: Author
) -> Iterator[Finding]:
    """What is wrong with the texts of alerts that fired, each thing once.

    What only series could have prevented that nobody thought of (a query within a text, a label that the expression
    lets through) is unproven where the series were found from the rule.
    """
    told: set[tuple[str, str]] = set()
    for alert in alerts:
        for mapping, name, text in texts(rule):
            rendered = (alert.labels if mapping == "labels" else alert.annotations).get(name, "")
            finding = _finding(rule, mapping, name, text, rendered, alert, recorded, author)
            if finding and (mapping, name) not in told:
                told.add((mapping, name))
                yield finding


def _finding(
    rule: Rule,
    mapping: str,
    name: str,
    text: str,
    rendered: str,
    alert: Alert,
    recorded: Mapping[str, Sequence[Rule]],
    author: Author,
) -> Finding | None:
    at, what = place(rule, mapping, name), f"{mapping.removesuffix('s')} {name!r}"
    if BROKEN in rendered:
        reason = _reason(rendered)
        if author == "generated" and _asks(text):
            return Finding("unproven", f"{what} asks for series that the generated ones do not hold: {reason}", at)
        return Finding("failed", f"{what} cannot be rendered: {reason}", at, HINT)
    if NO_VALUE in rendered and NO_VALUE not in text:
        return Finding("failed", f"{what} renders {NO_VALUE}: {rendered[:200]!r}", at, HINT)
    if dropped := _dropped(rule, text, alert, recorded):
        hint = f"keep it: by (…, {dropped}), group_left ({dropped}), or do not name it"
        return Finding("failed", f"{what} shows the label {dropped!r}, which the alert has not: {rendered!r}", at, hint)
    if mapping == "annotations" and not rendered.strip() and not _has_choice(text):  # an empty label is none
        hint = "write a text that is there whatever the labels are"
        return Finding(blame(author), f"{what} renders nothing", at, hint)
    return None


def _reason(rendered: str) -> str:
    """The end of what Go says, which begins with the whole way there."""
    _, _, reason = rendered.partition(BROKEN)
    reason = reason.rpartition(">")[0] if reason.rstrip().endswith(">") else reason
    return (reason.partition(": error calling ")[2] or reason.rpartition(" at <")[2] or reason)[:200]


def _asks(text: str) -> bool:
    """Whether the text asks Prometheus for something itself."""
    actions, _ = gotemplate.actions(text)
    return any(token.kind == "word" and token.text == "query" for action in actions for token in action.tokens)


def _has_choice(text: str) -> bool:
    actions, _ = gotemplate.actions(text)
    return any(action.keyword for action in actions)


def _dropped(rule: Rule, text: str, alert: Alert, recorded: Mapping[str, Sequence[Rule]]) -> str:
    """A label that the text shows, that is not there, and that the expression lets no series have."""
    if _has_choice(text):
        return ""
    missing = [name for name in used(text) if not alert.labels.get(name)]
    if not missing:
        return ""
    possible = labels_of(rule.expr.tree, recorded, {})
    return next((name for name in missing if not possible.can_have(name)), "")
