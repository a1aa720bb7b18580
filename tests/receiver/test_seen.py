"""Alerts that repeat: what is remembered of them changes nothing but the time it takes."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.engine.notification import Body, Notification, NotUnderstood
from receiver.engine.occurrence import identity_of, occurrence_id
from receiver.engine.recent import Recent
from receiver.engine.seen import Seen
from tests.receiver.bodies import START, alert, body

texts = st.text(max_size=3)
times = st.one_of(st.none(), st.integers(0, 2))


def one_alert(labels: dict[str, str], start: int | None, end: int | None) -> dict[str, Any]:
    """An alert that may lack its times."""
    told = alert(start=start or 0, end=end) | {"labels": labels}
    return told if start is not None else {key: value for key, value in told.items() if not key.endswith("At")}


alert_lists = st.lists(st.builds(one_alert, st.dictionaries(texts, texts, max_size=2), times, times), max_size=4)


@given(st.lists(st.tuples(alert_lists, st.sampled_from(["a", "b"]), st.sampled_from(["tenant", "team"])), max_size=6))
def test_remembering_changes_nothing(sent: list[tuple[list[dict[str, Any]], str, str]]) -> None:
    """Whatever came before, a body means what it means to somebody who never saw another."""
    seen = Seen(limit=3)
    for number, (alerts, source, label) in enumerate(sent * 2):
        one = Body(source, START + timedelta(seconds=number), body(*alerts), number)
        assert seen.decode(one, label) == Seen(limit=0).decode(one, label)


def test_a_repeated_alert_is_not_decoded_again() -> None:
    """The same bytes give the very same alert."""
    seen = Seen()
    first, second = (decoded(seen, body(alert(), alert("Other"))) for _ in range(2))
    assert all(one is two for one, two in zip(first.alerts, second.alerts, strict=True))


@pytest.mark.parametrize(
    "content", [b'{"alerts": [1]}', b'{"alerts": [{"labels": {"a": 1}}]}', b"[]", b'{"alerts": {}}']
)
def test_not_understood(content: bytes) -> None:
    """What has another shape is not understood, however often it comes."""
    seen = Seen()
    for _ in range(2):
        with pytest.raises(NotUnderstood):
            decoded(seen, content)


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_identity_is_made_of_bytes(source: str, tenant: str, labels: dict[str, str]) -> None:
    """The parts in UTF-8, labels sorted by name, each followed by a byte that is never part of UTF-8."""
    digest = blake2b(digest_size=16)
    for part in (source, tenant, *(text for pair in sorted(labels.items()) for text in pair)):
        digest.update(part.encode() + b"\xff")
    assert identity_of(source, tenant, labels) == digest.hexdigest()


def test_occurrence_ids_differ_and_repeat() -> None:
    """Each part counts, the same parts give the same id, and ids lie in the order of their seconds."""
    parts = [
        (START, 1, "x", START),
        (START, 2, "x", START),
        (START, 1, "y", START),
        (START, 1, "x", START + timedelta(1)),
    ]
    ids = [occurrence_id(*one) for one in parts]
    assert len(set(ids)) == len(ids)
    assert ids == [occurrence_id(*one) for one in parts]
    assert occurrence_id(START + timedelta(seconds=1), 1, "x", START) > max(ids)


def test_what_was_asked_for_longest_ago_is_forgotten() -> None:
    """At its limit a memory keeps what was used last."""
    recent: Recent[str, int] = Recent(2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.get("a") == 1
    recent.keep("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def decoded(seen: Seen, content: bytes) -> Notification:
    return seen.decode(Body("a", START, content), "tenant")
