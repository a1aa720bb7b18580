"""Counting a body's alerts by its syntax, however many it claims to carry."""

from __future__ import annotations

import pytest

from receiver.engine import counting
from receiver.engine.counting import MAX_ALERTS, count
from receiver.engine.notification import Body
from receiver.engine.origin import ANYWHERE
from receiver.engine.pipeline import read
from receiver.engine.seen import Seen
from tests.receiver.bodies import START, alert, body

TRICKY = alert(n='a,"b\\', m="}],[{", empty="")


@pytest.fixture(params=["listed", "scanned"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting as for bodies with few commas, and as for those with many."""
    if request.param == "scanned":
        monkeypatch.setattr(counting, "MANY_COMMAS", -1)
        monkeypatch.setattr(counting, "COMMA_BYTES", -1)


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (body(TRICKY, TRICKY, TRICKY), 3),
        (body(TRICKY, other=[1, [2, 3], {"a": [4, 5]}]), 1),
        (b'{"other": [1, 2], "alerts": [[1, 2], "x,y", {"a": [1, {"b": 2}]}, null]}', 4),
        (b'{"alerts": {"a": 1, "b": 2}}', 0),
        (b'{"alerts": null, "x": 1}', 0),
        (b'{"alerts": [ ], "other": [1, 2]}', 0),
        (b"[1, 2, 3]", 0),
        (b'{"a": 1, "b": 2}', 0),
    ],
)
def test_count(content: bytes, expected: int) -> None:
    """Both ways of counting say the same, whatever stands in strings and inside of alerts."""
    assert count(content) == expected


@pytest.mark.usefixtures("_both_ways")
@pytest.mark.parametrize("content", [b'{"alerts": [1, 2', b'{"alerts": [1, 2]}x', b'{"alerts": [1,, 2]}'])
def test_not_json(content: bytes) -> None:
    """What is no JSON is refused by either."""
    with pytest.raises(ValueError, match=r"malformed|truncated"):
        count(content)


@pytest.mark.parametrize("more", [0, 1, counting.MANY_COMMAS])
def test_a_crowd(more: int) -> None:
    """A body with more alerts than anybody has is not decoded; it goes to quarantine with the reason."""
    content = b'{"alerts":[' + b"{}," * (MAX_ALERTS - 1 + more) + b"{}]}"
    assert count(content) == MAX_ALERTS + min(more, 1)
    error = read(Body("europe", START, content, 7, ANYWHERE), Seen(), "tenant").error
    assert error == (f"it carries more than {MAX_ALERTS:,} alerts" if more else "")


@pytest.mark.parametrize(
    ("labels", "alerts", "error"),
    [
        (49_000, 1, ""),
        (51_000, 1, "its alerts carry more than 1,000 names and values of labels and annotations each"),
        (400, 300, ""),
    ],
)
def test_labels_by_the_thousand(labels: int, alerts: int, error: str) -> None:
    """Alerts with more labels than anybody has go to quarantine undecoded: each is an object or two, and memory."""
    crowded = alert() | {"labels": {f"l{number}": "" for number in range(labels)}}
    content = body(*[crowded] * alerts)
    assert read(Body("europe", START, content, 7, ANYWHERE), Seen(), "tenant").error == error
