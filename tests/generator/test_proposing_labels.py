"""Label sets and texts that selectors match are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.proof.labelling import Labelling
from generator.proof.readings import survey
from generator.proof.samples import samples
from tocsin import promql
from tocsin.labels import Matcher, matches
from tocsin.model import Labels

PATTERNS = [
    "5..",
    "tmpfs|ramfs",
    ".+",
    "(?i:a|b)c?",
    "[^:]+:\\d{2,4}",
    "node-(eu|us)-[0-9]{2}",
    "(/dev/)?(mmcblk.p.+|nvme.+|sd.+)",
    "[[:alpha:]_]+[a-f0-9]{4}",
    "a{3}b*?",
    "\\w+\\.example\\.org",
    "(?P<kind>x|y)z",
    "^anchored$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_samples_match_their_expression(pattern: str) -> None:
    """Of each expression, at least one text is found that RE2 matches."""
    matcher = Matcher("label", "=~", pattern)
    assert any(matcher.matches({"label": text}) for text in samples(pattern))


@given(st.text(max_size=60))
def test_no_expression_is_an_error(pattern: str) -> None:
    """What is not understood has no samples."""
    assert isinstance(samples(pattern), list)


LABELS: list[tuple[str, list[Labels]]] = [
    ('a{b="x"} / a{b="y"}', [{"b": "x"}, {"b": "y"}]),
    ('a{code=~"5.."} / ignoring (code) a', [{"code": "500"}, {"code": "200"}]),
    ('a{b!="x"} + on (c) c{d!~"y.*"}', [{"b": "b-1", "c": "c-1", "d": "d-1"}, {"b": "b-1", "c": "c-1", "d": "d-1"}]),
    ("sum without (cpu) (a) / b", [{"cpu": "cpu-1"}, {}]),
    ('a{b=""} + a{b!=""}', [{}, {"b": "b-1"}]),
    (
        'a * on (host) label_replace(b, "host", "$1", "instance", "(.+):.+")',
        [{"host": "host-1", "instance": "host-1:9100"}, {"host": "host-1", "instance": "host-1:9100"}],
    ),
]


@pytest.mark.parametrize(("text", "expected"), LABELS)
def test_labels_let_the_sides_meet(text: str, expected: list[Labels]) -> None:
    """Each selector has a label set that it matches; what both sides are matched by is equal."""
    found = survey(promql.parse(text), {})
    labelling = Labelling(found, list(found.labels))
    made = [labelling.of(reading) for reading in found.readings]
    assert all(matches(reading.matchers, labels) for reading, labels in zip(found.readings, made, strict=True))
    assert [{name: value for name, value in labels.items() if name != "__name__"} for labels in made] == expected
