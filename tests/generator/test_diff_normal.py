"""The normal form of PromQL: one for all spellings of an expression, never one for two that mean different things."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from generator.normal import normal, normal_or_text
from tests.generator import prometheuses
from tests.generator.spellings import Node, trees, written
from tests.real import Binaries
from tocsin.promql import PromQLError

dice = st.integers(0, 2**32).map(Random)
patient = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine

SAME = [
    ("sum(x)by(b,a)", "SUM by (a, b) (x)"),
    ("sum by (a, a) (x)", "sum by (a) (x)"),
    ("sum by () (x)", "sum(x)"),
    ("x[60m] offset 300s", "x[1h] offset 5m"),
    ("1e3 * 0x10", "1000 * 16"),
    ("x{b='1', a=`2`,}", 'x{a="2",b="1"}'),
    ('{__name__="up"}', "up{}"),
    ("a + ignoring () b", "a + b"),
    ("a * ignoring() group_left b", "a * ignoring() group_left() b"),
    ("((a)) - (b) - (c)", "a - b - c"),
    ("2 ^ (3 ^ 2)", "2 ^ 3 ^ 2"),
    ("-(1)", "-1"),
    ("-1 ^ 2", "-(1 ^ 2)"),
    ("a or (b and c)", "a OR b AND c"),
    ("x offset 0s", "x"),
    ("x @ 1.5", "x @ 1.500"),
    ("x offset 1m @ end()", "x @ end() offset 60s"),
    ("(x)[5m:60s]", "x[300s:1m]"),
    ("holt_winters(x[1h], .5, .5)", "double_exponential_smoothing(x[1h], 0.5, 0.5)"),
    ("topk(5, x) by (a)", "topk by (a) (5, x)"),
    ("1_000", "1000"),
    ("x{a='\\u00e9\\x41'}", 'x{a="éA"}'),
]
DIFFERENT = [
    ("a - b - c", "a - (b - c)"),
    ("(2 ^ 3) ^ 2", "2 ^ 3 ^ 2"),
    ("(-1) ^ 2", "-1 ^ 2"),
    ("a or b and c", "(a or b) and c"),
    ("a + b", "b + a"),  # labels of the left side stay
    ("a + on () b", "a + b"),
    ("a * on (x) group_left b", "a * on (x) group_right b"),
    ("a > b", "a > bool b"),
    ("1 / 0", "1 / -0"),
    ("sum without () (x)", "sum(x)"),
    ("x[5m:]", "x[5m:1m]"),
    ("x offset 1m", "x offset -1m"),
    ("(x offset 1m)[1h:1m]", "x[1h:1m] offset 1m"),
    ('x{a="1"}', 'x{a=~"1"}'),
    ('x{a="\\\\d"}', 'x{a="d"}'),
    ("topk(5, x)", "bottomk(5, x)"),
    ('{__name__=~"up"}', "up"),
    ("rate(x[5m])", "irate(x[5m])"),
    ("x @ start()", "x @ end()"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_meaning_has_one_form(one: str, other: str) -> None:
    """Spelling does not count."""
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_meanings_have_two_forms(one: str, other: str) -> None:
    """Everything else counts."""
    assert normal(one) != normal(other)


@patient
@given(trees, dice, dice)
def test_all_spellings_of_a_tree_have_one_form(tree: Node, one: Random, other: Random) -> None:
    """However it is written; and the form is its own form."""
    form = normal(written(tree, one))
    assert normal(written(tree, other)) == form
    assert normal(form) == form


@patient
@given(trees, trees, dice)
def test_other_trees_have_other_forms(one: Node, other: Node, random: Random) -> None:
    """Two trees have the same form only if they are the same."""
    assume(one != other)
    assert normal(written(one, random)) != normal(written(other, random))


def test_what_cannot_be_parsed_is_left_as_it_is() -> None:
    """The server that runs it may know more than our parser; what is far too long is not looked into."""
    assert normal_or_text(" sum(x) default 0 ") == "sum(x) default 0"
    for text in ("sum(", "1" + " + 1" * 3000):
        with pytest.raises(PromQLError):
            normal(text)


@pytest.mark.real
def test_prometheus_reads_the_form_as_it_reads_the_text(binaries: Binaries, tmp_path: Path) -> None:
    """For each spelling, Prometheus's own printing of text and form agree, and have this form."""
    random = Random(0)
    texts = [text for pair in (*SAME, *DIFFERENT) for text in pair if "holt" not in text and "smoothing" not in text]
    texts += _samples(random)
    known = [text for text in texts if not any(young in text for young in ("_000", "offset 0s"))]  # to 2.42
    with prometheuses.running(binaries, tmp_path) as url:
        for text in known:
            printed, of_form = (_printed(url, each) for each in (text, normal(text)))
            assert normal(printed) == normal(of_form), text
            if "group_left" not in text:  # 2.42 forgets `ignoring () group_left ()`
                assert normal(printed) == normal(text)


def _samples(random: Random) -> list[str]:
    """Trees that Hypothesis thinks of, without looking for anything."""
    found: list[str] = []

    @patient
    @given(trees)
    def collect(tree: Node) -> None:
        found.append(written(tree, random))

    collect()
    return found[:60]


def _printed(url: str, text: str) -> str:
    status, body = prometheuses.ask(url, f"/api/v1/format_query?query={quote(text)}")
    assert status == 200, (text, body)
    printed = json.loads(body)["data"]
    assert isinstance(printed, str)
    return printed
