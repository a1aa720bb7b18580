"""Matchers put into a tree: a value is a value, whatever stands in it, and each selector gets them once."""

from __future__ import annotations

import pytest
from promql_parser import VectorSelector

from tocsin import promql, promql_matchers


@pytest.mark.parametrize(
    ("expr", "scoped"),
    [
        ("up", 'up{a="b"}'),
        ('up{a="b"}', 'up{a="b"}'),
        ('up{a="c"}', 'up{a="c",a="b"}'),
        ('up{a!="b",x=~".+"}', 'up{a!="b",x=~".+",a="b"}'),
        ('{__name__=~"u.*"}', '{__name__=~"u.*",a="b"}'),
        ("sum by (x) (rate(up[5m])) / on (x) count(down offset 1h)", None),
        ("max_over_time(up[1h:1m] @ start()) unless up @ 5 or up offset -1m", None),
        ('up{x="y" or x="z"}', 'up{x="y",a="b" or x="z",a="b"}'),
        ('up{x="y" or x="z",a="b"}', 'up{x="y",a="b" or x="z",a="b"}'),
        ('{"u.p"}', '{"u.p",a="b"}'),
        ("vector(1)", "vector(1)"),
    ],
)
def test_each_selector_gets_them(expr: str, scoped: str | None) -> None:
    """Wherever in the tree it stands; nothing else of the expression changes."""
    wanted = scoped or expr.replace("up", 'up{a="b"}').replace("down", 'down{a="b"}')
    matchers = promql_matchers.equal({"a": "b"})
    assert promql_matchers.put(promql.parse(expr), lambda _: matchers).text == promql.parse(wanted).text


@pytest.mark.parametrize("value", ["=~.*", "!=b", '"} or vector(1)', "\\", "\n", "$1", "", "\u00e9", "'", "`", "#"])
def test_a_value_is_a_value(value: str) -> None:
    """It is compared letter by letter: nothing in it is an operator, a quote or an escape."""
    matchers = promql_matchers.equal({"a": value})
    found = promql_matchers.put(promql.parse("sum(up)"), lambda _: matchers)
    (selector,) = promql.parse(found.text).of(VectorSelector)
    (matcher,) = selector.matchers.matchers
    assert (matcher.name, str(matcher.op), matcher.value) == ("a", "MatchOp.Equal", value)
