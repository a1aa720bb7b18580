"""A tenant's matchers in every selector of its rules, and its name as a label of every rule.

What the tenant's own rules recorded is selected by that label alone: an aggregation may have dropped the labels that
the matchers name, and the label `tenant` it surely has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from promql_parser import Call, MatchOp, VectorSelector

from generator.matchers import Scoping, scoped
from generator.rule import Pack, Rule
from generator.tenants.schema import LABEL
from generator.tenants.scope import Scope
from tocsin import promql
from tocsin.problem import Problem

# How an SLO joins what it recorded, which bears the tenant's name, with what it reads, which may not.
JOINED = re.compile(r"ignoring \(((?:\w+, )*tocsin_sli\b)")


def scope(packs: Sequence[tuple[Pack, Scope | None]]) -> tuple[list[Pack], list[Problem]]:
    """The packs, those of tenants about their tenant's series alone, and what of them tells nothing of a tenant."""
    recorded: dict[str, set[str]] = {}
    for pack, whose in packs:
        if whose:
            recorded.setdefault(whose.tenant, set()).update(r.name for r in pack.rules if r.kind == "record")
    done: list[Pack] = []
    problems: list[Problem] = []
    for pack, whose in packs:
        if whose is None:
            done.append(pack)
            continue
        into = Scoping(whose.matchers, {LABEL: whose.tenant}, frozenset(recorded[whose.tenant]))
        problems += [problem for rule in pack.rules for problem in _told(rule, whose, into)]
        done.append(_pack(pack, whose, into))
    return done, problems


def _pack(pack: Pack, whose: Scope, into: Scoping) -> Pack:
    groups = tuple(
        replace(group, rules=tuple(_rule(rule, whose, into) for rule in group.rules)) for group in pack.groups
    )
    name = f"{whose.tenant}-{pack.name}" if pack.name else ""
    source = f"{pack.source} for {whose.source}"
    return replace(pack, name=name, groups=groups, source=source, tenant=whose.tenant)


def _rule(rule: Rule, whose: Scope, into: Scoping) -> Rule:
    expr = scoped(rule.expr, into)
    if JOINED.search(expr.text):
        expr = promql.parse(JOINED.sub(rf"ignoring ({LABEL}, \g<1>", expr.text))
    return replace(rule, expr=expr, labels={**rule.labels, LABEL: whose.tenant})


def _told(rule: Rule, whose: Scope, into: Scoping) -> Iterator[Problem]:
    if LABEL in rule.labels:
        message = f"the rule has a label {LABEL!r} of its own, and Tocsin writes the tenant's name there"
        yield rule.problem("reserved-name", message, rule.origin.at_key("labels", LABEL), "remove it, or rename it")
    nodes = list(promql.walk(rule.expr.tree))
    selectors = [node for node in nodes if isinstance(node, VectorSelector)]
    if not selectors and not rule.recorded_for:  # an SLO's objective is a number for whoever it is
        message = f"tells nothing of the tenant {whose.tenant!r}: the expression has no selector"
        hint = "it is the same for every tenant; leave it out of tenants' packs, or disable it for this one"
        yield rule.problem("tenant-unscoped", message, rule.at_expr(), hint, "info")
    if any(isinstance(node, Call) and node.func.name == "info" for node in nodes):
        message = "info() reads the target_info of all tenants"
        hint = "join with group_left on a selector of target_info, which gets the matchers"
        yield rule.problem("tenant-unscoped", message, rule.at_expr(), hint, "warning")
    for label, value in _contradicted(selectors, into):
        message = (
            f"never matches for tenant {whose.tenant!r}: a selector says {label}={value!r}, its matchers otherwise"
        )
        hint = "remove the matcher from the pack, or disable the rule for this tenant"
        yield rule.problem("tenant-mismatch", message, rule.at_expr(), hint, "warning")


def _contradicted(selectors: Sequence[VectorSelector], into: Scoping) -> Iterator[tuple[str, str]]:
    for selector in selectors:
        own: Mapping[str, str] = {m.name: m.value for m in selector.matchers.matchers if m.op == MatchOp.Equal}
        for matcher in into.of(selector):
            if matcher.op == MatchOp.Equal and own.get(matcher.name, matcher.value) != matcher.value:
                yield matcher.name, own[matcher.name]
