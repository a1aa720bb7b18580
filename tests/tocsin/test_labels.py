"""Matchers, as Alertmanager means them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.labels import Matcher, matches, parse

LABELS = {"service": "checkout", "severity": "critical", "größe": "ü", "line": "a\nb"}


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ('service="checkout"', True),
        ("service=checkout", True),
        ('{service="checkout", severity!="info",}', True),
        ('service="check"', False),
        ('service=~"check"', False),  # anchored at both ends
        ('service=~"check.*"', True),
        ('service=~"cart|checkout"', True),
        ('service!~"cart|pay.*"', True),
        ('service!~".*"', False),
        ('absent=""', True),  # an absent label has the empty value
        ('absent!=""', False),
        ('absent=~".*"', True),
        ("absent=", True),
        ('"größe"="ü"', True),
        ('größe=~"."', True),
        (r'service=~"\w+"', True),
        (r'line="a\nb"', True),
        ('line=~"a.b"', False),  # as in Go, a dot is no newline
        ('service=~"(?i)CHECKOUT"', True),
        ("", True),
        ("{}", True),
    ],
)
def test_matching(text: str, meets: bool) -> None:
    """Each text means what it means to Alertmanager."""
    assert matches(parse(text), LABELS) is meets


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("service", "no matcher"),
        ('="x"', "no matcher"),
        ('{service="x"', "one brace"),
        ("service=a b", "comma"),
        ('service=~"("', "no regular expression"),
        ('service=~"(a{1000}){1000}"', "no regular expression"),
        ("service=" + "x" * 5000, "longer than"),
    ],
)
def test_what_is_no_matcher(text: str, says: str) -> None:
    """A text that cannot be used is told with what is wrong."""
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_hostile_expression() -> None:
    """An expression that explodes in a backtracking engine is answered at once."""
    start = time.process_time()
    assert not matches(parse('service=~"(a+)+b"'), {"service": "a" * 50_000})
    assert time.process_time() - start < 1


@given(st.text(min_size=1).filter(lambda t: '"' not in t and "\\" not in t), st.text(), st.sampled_from(["=", "!="]))
def test_round_trip(name: str, value: str, operator: str) -> None:
    """What a matcher prints is read as the same matcher, whatever its name and value hold."""
    matcher = Matcher(name, operator, value)  # type: ignore[arg-type]
    assert parse(str(matcher)) == (matcher,)
