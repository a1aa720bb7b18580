"""Matchers that silence what they must and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.silences.narrow import EACH, LONGEST, candidates, narrow
from receiver.silences.wire import in_words, on_the_wire
from tocsin.labels import MAX_LENGTH, matches
from tocsin.model import Labels

MANY = [{"alertname": "Disk", "instance": f"i{n}", "zone": f"z{n % 3}"} for n in range(12)]


def words(wanted: Sequence[Labels], others: Sequence[Labels]) -> list[str]:
    return [", ".join(map(str, matchers)) for matchers in narrow(wanted, others)]


@pytest.mark.parametrize(
    ("fact", "wanted", "others", "said"),
    [
        ("each label of one alert", [{"a": "1", "b": 'x"\n{'}], [], [r'a="1", b="x\"\n{"']),
        ("one for each of a few", [{"a": "1"}, {"a": "2"}], [], ['a="1"', 'a="2"']),
        ("an alert with more labels is kept out", [{"a": "1"}], [{"a": "1", "z": "2"}], ['a="1", z=""']),
        ("other alerts are not in the way", [{"a": "1"}], [{"a": "2", "z": "2"}], ['a="1"']),
        ("the alert itself is not in the way", [{"a": "1"}], [{"a": "1", "b": ""}], ['a="1"']),
        ("an empty value is no label", [{"a": "1", "b": ""}], [], ['a="1"']),
        ("no alerts", [], [{"a": "1"}], []),
    ],
)
def test_few(fact: str, wanted: list[Labels], others: list[Labels], said: list[str]) -> None:
    """Up to ten alerts have a silence each, of every label."""
    assert words(wanted, others) == said, fact


def test_many_share_one() -> None:
    """Alerts of the same label names share a silence: one value as it is, several as an alternation."""
    (said,) = words(MANY, [{"alertname": "Disk", "instance": "i99", "zone": "z0"}])
    values = "|".join(sorted(f"i{n}" for n in range(12)))
    assert said == f'alertname="Disk", instance=~"{values}", zone=~"z0|z1|z2"'


def test_cross_product_is_divided() -> None:
    """An alert that is not meant and lies between those that are makes several silences of one."""
    between = {"alertname": "Disk", "instance": "i1", "zone": "z2"}
    assert len(words(MANY, [between])) == 3
    assert not any(matches(matchers, between) for matchers in narrow(MANY, [between]))


def test_long_alternations_are_divided() -> None:
    """No alternation is longer than people and Alertmanager can stand."""
    wanted = [{"alertname": "Disk", "instance": f"{n:0>300}"} for n in range(40)]
    found = narrow(wanted, [])
    assert 1 < len(found) < 40
    assert all(len(matcher.value) <= LONGEST for matchers in found for matcher in matchers)
    assert all(any(matches(matchers, labels) for matchers in found) for labels in wanted)


def test_what_no_matcher_can_say() -> None:
    """A value that is too long for a matcher leaves its alert out instead of widening the silence."""
    assert words([{"a": "x" * (MAX_LENGTH + 1), "b": "1"}, {"a": "1"}], []) == ['a="1"']
    assert candidates([{"a": "x" * (MAX_LENGTH + 1)}]) == []


label_sets = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "1", "2", ".*", "a|b", "ü\n"]), min_size=1)
real_alerts = label_sets.filter(lambda labels: any(labels.values()))


@given(st.lists(real_alerts, max_size=3 * EACH), st.lists(real_alerts, max_size=20), st.sampled_from([0, 1, EACH]))
def test_exactly_these(wanted: list[Labels], others: list[Labels], each: int) -> None:
    """Whatever else fires: each wanted alert is silenced, no other one is, and what matters for that is asked for."""
    found = narrow(wanted, others, each)
    present = [{name: value for name, value in labels.items() if value} for labels in wanted]
    for labels in wanted:
        assert any(matches(matchers, labels) for matchers in found)
    for labels in others:
        if {name: value for name, value in labels.items() if value} not in present:
            assert not any(matches(matchers, labels) for matchers in found)
    broad = candidates(wanted)
    seen = [labels for labels in others if any(matches(matchers, labels) for matchers in broad)]
    assert narrow(wanted, seen, each) == found


def test_words_and_wire_agree() -> None:
    """What the timeline says is what was written, in the same order."""
    for matchers in narrow(MANY, [{"alertname": "Disk", "instance": "i1", "zone": "z2"}]):
        assert sorted(map(str, matchers)) == sorted(in_words(on_the_wire(matchers)))
