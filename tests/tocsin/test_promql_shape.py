"""Expressions that differ in values of `=` and `!=` matchers only: one is parsed, the others are printed like it."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import promql, promql_shape
from tocsin.promql_shape import apart, by_shape, unless_silent

# `%s` is a value; what is printed sorts matchers, breaks lines, and leaves comments out.
TEXTS = [
    'x{job="%s"}',
    'x{job="%s",a="%s",job!="%s"} > 1',
    'x{ b != "%s" , a="%s" , c=~"5..|%s" }',
    'x{a="%s",a="%s"}',
    'x{a="%s" or a="%s"}',
    'x{job="%s"} / on (job) group_left (team) y{team="%s",job="%s"} > 0.05 and sum by (a) (rate(z{job="%s"}[5m]))',
    'sum by (job) (rate(http_requests_total{job="%s",code=~"5..",path!="%s"}[5m])) / sum(rate(y{job="%s"}[1m])) > 0.05',
    'label_replace(x{a="%s"}, "b=", "%s", "c", "d")',
    "label_replace(x, 'b=\"%s\"', '$1', 'c', 'd')",
    'x{a="%s"} # as "b="%s" said\n > 1',
    "count_values(\"%s\", x{a='%s'})",
    '{__name__="a%s",b="%s"}',
    'x{a="\\"%s",b="%s"}',
    'x{a_b="%s",a="%s",a!="%s"}',
    'absent(x{a="%s",b=""}) or vector(1)',
]
VALUES = st.text(st.sampled_from("ab19 .|*+(){}[]<>=!,é$-_:"), max_size=40)


@given(st.sampled_from(TEXTS), st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=2, max_size=4), st.data())
def test_what_is_printed_from_memory(text: str, rounds: list[list[str]], data: st.DataObject) -> None:
    """It is what the parser prints of each text, whichever of the same shape came before."""
    lengths = [len(value) for value in rounds[0]]
    alike = [[(value + "x" * 40)[:length] for value, length in zip(row, lengths, strict=True)] for row in rounds]
    for values in data.draw(st.permutations([*alike, *rounds])):
        whole = text % tuple(values[: text.count("%s")])
        try:
            printed = promql_parser.parse(whole).prettify()
        except ValueError:
            with pytest.raises(promql.PromQLError):
                promql.parse(whole)
        else:
            assert promql.parse(whole).text == printed


@given(st.sampled_from(TEXTS), st.lists(VALUES, min_size=4, max_size=4))
def test_what_is_composed_from_memory(text: str, values: list[str]) -> None:
    """It is what the parser prints of the whole text."""
    whole = text % tuple(values[: text.count("%s")])
    try:
        promql_parser.parse(f"({whole}) > 1")
    except ValueError:
        return
    term = promql.binary(promql.parse(whole).term, ">", promql.literal(1))
    assert term.parsed().text == promql_parser.parse(term.text).prettify()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('x{job="api"}', 'x{job="xxx"}'),
        ('x{job != "api", a = "b"}[5m]', 'x{job != "xxx", a = "x"}[5m]'),
        ('x{job=~"api"}', 'x{job=~"api"}'),
        ('x{job!~"api"}', 'x{job!~"api"}'),
        ('x{job=""}', 'x{job=""}'),
        ('x{job="é"}', 'x{job="é"}'),
        ('{__name__="api"}', '{__name__="api"}'),
        ('{"my.metric",a="b"}', '{"my.metric",a="x"}'),
        ('x{a="b",a="c"}', 'x{a="b",a="c"}'),
        ('x{a="",a="c"}', 'x{a="",a="c"}'),
        ('x{a="b"} + x{a="c"}', 'x{a="x"} + x{a="x"}'),
        ("x{a='=\"b\"'}", "x{a='=\"b\"'}"),
        ('x{a="b"} # "="c"', 'x{a="b"} # "="c"'),
        ('x{a="\\"",b="c"}', 'x{a="\\"",b="c"}'),
        ('label_replace(x{a="b"}, "c=", "d", "e", "f")', 'label_replace(x{a="x"}, "c=", "d", "e", "f")'),
    ],
)
def test_shapes(text: str, shape: str) -> None:
    """Only what an `=` or `!=` matcher compares with is left out, and of that not the length."""
    assert apart(text).shape == shape


def test_other_lengths_are_other_shapes() -> None:
    """Where lines are broken depends on how long they are."""
    texts = [f'aaaaaaaaaaaaaaaaaaa{{job="{"j" * length}"}} + bbbbbbbbbbbbbbbbbbb' for length in range(1, 80)]
    printed = [promql.parse(text).text for text in texts]
    assert {"\n" in text for text in printed} == {True, False}
    assert printed == [promql_parser.parse(text).prettify() for text in texts]


def test_asked_once_for_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is asked again for another shape, for one in which something was found, and for what was forgotten."""
    monkeypatch.setattr(promql_shape, "MOST_SHAPES", 2)
    asked: list[str] = []

    def of(expression: promql.Expression) -> list[str]:
        asked.append(expression.text)
        return [expression.text] if "up" in expression.text else []

    known, found = by_shape(of), unless_silent(of)
    for name, remember in (("known", known), ("found", found)):
        asked.clear()
        for text in ('x{a="1"}', 'x{a="2"}', 'up{a="1"}', 'up{a="2"}', 'y{a="1"}', 'z{a="1"}', 'x{a="3"}'):
            remember(promql.parse(text))
        again = [] if name == "known" else ['up{a="2"}']
        assert asked == ['x{a="1"}', 'up{a="1"}', *again, 'y{a="1"}', 'z{a="1"}', 'x{a="3"}']
    assert list(found(promql.parse('up{a="7"}'))) == ['up{a="7"}']
