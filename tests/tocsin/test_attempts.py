"""Wrong proofs are slowed down by where they come from, in bounded memory."""

from __future__ import annotations

import pytest

from tocsin.attempts import AT_ONCE, EVERY_SECONDS, MOST_PLACES, QUIET_SECONDS, Attempts


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_few_then_now_and_then() -> None:
    """Ten at once, then one every six seconds; after a minute ten again."""
    hand = Hand()
    attempts = Attempts(hand)
    for _ in range(AT_ONCE):
        assert attempts.wait_seconds("192.0.2.1") == 0
        attempts.failed("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") == pytest.approx(EVERY_SECONDS)
    hand.at += EVERY_SECONDS
    assert attempts.wait_seconds("192.0.2.1") == 0
    attempts.failed("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") > 0
    hand.at += AT_ONCE * EVERY_SECONDS
    for _ in range(AT_ONCE):
        assert attempts.wait_seconds("192.0.2.1") == 0
        attempts.failed("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") > 0


def test_never_shut_out_for_long() -> None:
    """However many were wrong, the wait is no longer than for one more."""
    attempts = Attempts(Hand())
    for _ in range(1000):
        attempts.failed("192.0.2.1")
    assert attempts.wait_seconds("192.0.2.1") == pytest.approx(EVERY_SECONDS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, "", True),
    ],
)
def test_places(one: str | None, other: str, same: bool) -> None:
    """An address is a place; of IPv6 a network of 64 bits is."""
    attempts = Attempts(Hand())
    for _ in range(AT_ONCE):
        attempts.failed(one)
    assert (attempts.wait_seconds(other) > 0) is same


def test_bounded() -> None:
    """However many places there are, memory stays; while it is full new ones are not told."""
    attempts = Attempts(Hand())
    told = [attempts.failed(f"10.0.{n // 256}.{n % 256}") for n in range(MOST_PLACES + 100)]
    assert told == [True] * MOST_PLACES + [False] * 100
    assert len(attempts._places) == MOST_PLACES


def test_told_once() -> None:
    """A place is told of again only after it was quiet for a while."""
    hand = Hand()
    attempts = Attempts(hand)
    assert attempts.failed("192.0.2.1")
    for _ in range(100):
        hand.at += 30
        assert not attempts.failed("192.0.2.1")
    hand.at += QUIET_SECONDS
    assert attempts.failed("192.0.2.1")
