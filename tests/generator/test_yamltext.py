"""The emitter writes YAML that every reader reads as the same texts."""

from __future__ import annotations

import math
import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from generator import yamltext

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("ab:# \n-'\"{}[]&*!|>%@`\t,?=~0123456789.eE+_"),
)
TREES = st.recursive(
    TEXTS,
    lambda inner: (
        st.dictionaries(TEXTS, inner, max_size=4)
        | st.lists(TEXTS | st.dictionaries(TEXTS, inner, min_size=1, max_size=3), max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=4))
@example({"a": "yes"})
@example({"a": "1:20", "b": "2024-01-01 10:00:00", "c": "0x1f", "d": "1_000", "e": "12e03"})
@example({"a": "  indented\nexpr", "b": "x\n\n  y\n"})
def test_round_trip(tree: dict[str, yamltext.Tree]) -> None:
    """Any tree of texts comes back from PyYAML as it was, every scalar a text."""
    assert yaml.load(yamltext.dump(tree), yaml.CSafeLoader) == tree


@given(st.dictionaries(TEXTS, st.booleans() | st.integers() | st.floats(allow_nan=False), min_size=1, max_size=4))
@example({"a": math.inf, "b": -math.inf, "c": 1e300, "d": 5e-324, "e": -0.0})
def test_numbers(tree: dict[str, yamltext.Tree]) -> None:
    """Numbers and truth values come back as they were, to the last bit."""
    assert yaml.load(yamltext.dump(tree), _Yaml12) == tree


class _Yaml12(yaml.CSafeLoader):
    """As Prometheus reads floats: `1e+300` is one, with no dot too."""


_Yaml12.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9.]*e[-+]?[0-9]+"), list("-0123456789")
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("NodeDown", "NodeDown"),
        ("10m", "10m"),
        ("100 * (1 - x) > 90", "100 * (1 - x) > 90"),
        ('up{job="x"} == 0', 'up{job="x"} == 0'),
        ("{{ $value }}", "'{{ $value }}'"),
        ("no", "'no'"),
        ("5", "'5'"),
        ("it's: so", "'it''s: so'"),
        ("a\nb", "|-\n    a\n    b"),
        ("a\nb\n", "|\n    a\n    b"),
        ("  a\n>\n  b", "|2-\n      a\n    >\n      b"),
        ("bell\x07", '"bell\\u0007"'),
    ],
)
def test_texts_are_written_readably(text: str, written: str) -> None:
    """Quotes only where a reader needs them, several lines as a block."""
    assert yamltext.scalar(text, "  ") == written
