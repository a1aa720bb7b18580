"""The tenants that show how packs are meant to be used."""

from __future__ import annotations

import re

import pytest

from exporter.config import ExporterConfig
from generator.pipeline import compile_packs
from generator.rule import Rule
from generator.targets import TARGETS, rulefile
from tests.rulepacks.shipped import PACKS
from tocsin.config import load
from tocsin.problem import has_errors

EXAMPLES = PACKS / "examples"
TENANTS = {
    "streaming": {"listen": 11},
    "shop": {"shop": 8},
    "platform": {"payments": 4, "platform": 6, "sandbox": 2, "search": 3},
}


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize("example", sorted(TENANTS))
def test_every_target_takes_every_example(example: str, target: str) -> None:
    """Each tenant gets a file of each pack that it chose."""
    compiled = compile_packs([EXAMPLES / example], TARGETS[target])
    assert not has_errors(compiled.problems)
    chosen = dict.fromkeys(TENANTS[example], 0)
    for pack in compiled.packs:
        chosen[pack.tenant] += 1
    assert chosen == TENANTS[example]


@pytest.mark.parametrize("example", sorted(TENANTS))
def test_an_example_has_no_problems(example: str) -> None:
    """Nothing is amiss but what a rule file cannot know: expressions without a tenant, packs passed over."""
    problems = compile_packs([EXAMPLES / example], rulefile.render).problems
    assert {problem.check for problem in problems} <= {"tenant-unscoped", "unchosen-pack", "unused-record"}


def test_a_tier_makes_the_same_rule_another() -> None:
    """The same alert fires at a share, after a time and at a severity that the tier says."""
    found = {
        pack.tenant: rule
        for pack in compile_packs([EXAMPLES / "platform"], rulefile.render).packs
        for rule in pack.rules
        if rule.name == "HttpErrorRatioHigh"
    }
    assert {tenant: _at(rule) for tenant, rule in found.items()} == {
        "payments": ("0.01", 60, "critical"),
        "search": ("0.05", 120, "critical"),
        "sandbox": ("0.2", 900, "warning"),
    }


def _at(rule: Rule) -> tuple[str, int, str]:
    _, _, beyond = rule.expr.text.partition(">")
    return beyond.split()[0], int(rule.hold.total_seconds()), str(rule.severity)


def test_the_exporter_brings_what_the_rules_read() -> None:
    """The queries that the streaming company's rules name are those that its exporter asks."""
    packs = compile_packs([EXAMPLES / "streaming"], rulefile.render).packs
    read = {name for pack in packs for rule in pack.rules for name in re.findall(r'query="(\w+)"', rule.expr.text)}
    config = load(EXAMPLES / "streaming/exporter.yml", ExporterConfig)
    assert read
    assert read <= {query.name for query in config.every_query}
