"""Checks of values: each comes from somewhere, is used, and can be told from its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.people.named import missing
from receiver.remediate.findings import Config, Finding, questions, texts
from receiver.remediate.runbook import Runbook
from receiver.remediate.taking import separators
from receiver.remediate.values import names_in, without_values
from tocsin.labels import Matcher
from tocsin.yamltree import YamlPath

STRANGE = "/x\u2020 '\"; ~7Qz"  # a pattern that fits this fits whatever there is


def values_are_supplied(runbook: Runbook, _: Config | None) -> Iterator[Finding]:
    """What a text asks for by `$(name)` is a value or a parameter."""
    known = {*runbook.settings.values, *runbook.settings.params}
    for path, text in _filled(runbook):
        for name in sorted(names_in(text)):
            found = missing(name, known, "a value or a parameter of the runbook")
            if found is not None:
                yield Finding("unknown-value", path, f"$({name}): {found[0]}", found[1], part=f"$({name})")
        if "$(" in without_values(text):
            message = "a '$(' stands here that begins no value, and stays as it is"
            hint = "a value's name is of lower case letters, digits and '_': $(namespace)"
            yield Finding("no-value", path, message, hint, "warning", "$(")


def values_are_used(runbook: Runbook, _: Config | None) -> Iterator[Finding]:
    """Each value and parameter is asked for somewhere, and is one of the two."""
    used = {name for _, text in _filled(runbook) for name in names_in(text)}
    for kind, names in (("values", runbook.settings.values), ("params", runbook.settings.params)):
        for name in names:
            if name not in used:
                hint = "take it out, unless alerts without it should be refused"
                yield Finding("unused-value", (kind, name), f"$({name}) is used nowhere", hint, "info")
    for name in sorted({*runbook.settings.values} & {*runbook.settings.params}):
        message = f"{name} is both a value of the alert and a parameter; which of them is $({name})?"
        yield Finding("twice", ("params", name), message, "give one of the two another name")


def values_are_part_of_the_target(runbook: Runbook, _: Config | None) -> Iterator[Finding]:
    """A value from the alert that steps use is held by the allow-list only as a part of the target's name."""
    target = names_in(runbook.settings.target.is_)
    told: set[str] = set()
    for path, text in texts(runbook.document.data["steps"], ("steps",)):
        for name in sorted(names_in(text) & set(runbook.settings.values) - target - told):
            told.add(name)
            message = f"$({name}) is no part of the target: the allow-list says nothing of it, its pattern alone does"
            hint = f"make it part of target.is, or its pattern a list: values.{name}.pattern: one|other"
            yield Finding("beside-target", path, message, hint, "info", f"$({name})")


def target_is_told_apart(runbook: Runbook, _: Config | None) -> Iterator[Finding]:
    """The name of a target says which value is which."""
    template = runbook.settings.target.is_
    if "" in separators(template):
        message = f"two values touch in {template}: ab and c make the same name as a and bc"
        yield Finding("target", ("target", "is"), message, "put something between them: $(namespace)/$(deployment)")


def target_is_allowed(runbook: Runbook, config: Config | None) -> Iterator[Finding]:
    """There is something that it may work on, and something that it may not."""
    target = runbook.settings.target
    if config is not None and not target.allow and not target.allow_matching:
        hint = f"name its targets in remediation.runbooks.{runbook.name}.allow"
        message = "the runbook may work on nothing: allow and allow_matching are empty"
        yield Finding("nothing-allowed", ("target",), message, hint, "warning")
    for number, pattern in enumerate(target.allow_matching):
        if Matcher("target", "=~", pattern).matches({"target": STRANGE}):
            message = f"{pattern} fits whatever an alert names: it allows every target"
            path: YamlPath = ("target", "allow_matching", number)
            yield Finding("everything-allowed", path, message, "say what targets are called: shop/.+", "warning")


def _filled(runbook: Runbook) -> Iterator[tuple[YamlPath, str]]:
    """Every text that values are put into."""
    target = runbook.settings.target
    yield ("target", "is"), target.is_
    if target.fleet is not None:
        yield ("target", "fleet", "name"), target.fleet.name
    for path, _, where, _ in questions(runbook):
        for label, text in where.items():
            yield (*path, "where", label), text
    yield from texts(runbook.document.data["steps"], ("steps",))
