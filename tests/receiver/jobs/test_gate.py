"""Whether a channel may be tried: what opens the circuit, what closes it, and what a pause does."""

from __future__ import annotations

from datetime import timedelta

from receiver.jobs.gate import FAILURES, FIRST_PAUSE, LONGEST_ASKED, LONGEST_PAUSE, Gate
from tests.receiver.bodies import START

MOST = 64
SECOND = timedelta(seconds=1)


def _broken() -> Gate:
    gate = Gate()
    for _ in range(FAILURES):
        gate.begins()
        gate.failed(START, "answered 503", None)
    return gate


def test_many_failures_in_a_row_open_the_circuit() -> None:
    """One failure less does not, and neither does any number with a success between them."""
    gate = Gate()
    for _ in range(5 * FAILURES):
        for _ in range(FAILURES - 1):
            gate.failed(START, "answered 503", None)
        assert gate.closed_at(START) is None
        gate.worked()
    assert _broken().closed_at(START) is not None


def test_a_quiet_channel_is_found_down_too() -> None:
    """Three failures in a row over half a minute say as much as many at once."""
    gate = Gate()
    for seconds in (0, 15, 29):
        gate.failed(START + seconds * SECOND, "timed out", None)
        assert gate.closed_at(START + seconds * SECOND) is None
    gate.failed(START + 30 * SECOND, "timed out", None)
    shut = gate.closed_at(START + 30 * SECOND)
    assert shut is not None
    assert (shut.down, shut.reason) == (True, "timed out")


def test_one_probe_at_a_time_and_pauses_that_double() -> None:
    """After each pause one message is tried; while it is, no other. Its failure doubles the pause, up to a bound."""
    gate, now = _broken(), START
    pauses: list[timedelta] = []
    while len(pauses) < 10:
        shut = gate.closed_at(now)
        assert shut is not None
        pauses.append(shut.until - now)
        now = shut.until
        assert gate.room(now, MOST) == 1
        gate.begins()
        assert gate.room(now, MOST) == 0
        gate.failed(now, "answered 503", None)
    assert pauses[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE
    gate.begins()
    gate.worked()
    assert gate.room(now, MOST) == MOST
    assert gate.closed_at(now) is None


def test_late_failures_do_not_double_the_pause() -> None:
    """What was under way when the circuit opened tells nothing new."""
    gate = _broken()
    before = gate.closed_at(START)
    gate.failed(START + SECOND, "answered 503", None)
    assert gate.closed_at(START + SECOND) == before


def test_a_pause_that_was_asked_for() -> None:
    """Retry-After shuts the whole lane until then, the longest one counts, and the channel is not called down."""
    gate = Gate()
    gate.failed(START, "answered 429", 30 * SECOND)
    gate.failed(START, "answered 429", 10 * SECOND)
    shut = gate.closed_at(START + 29 * SECOND)
    assert shut is not None
    assert not shut.down
    assert gate.closed_at(START + 30 * SECOND) is None
    assert gate.room(START + 30 * SECOND, MOST) == MOST
    gate.failed(START, "answered 429", timedelta(days=300))
    shut = gate.closed_at(START)
    assert shut is not None
    assert shut.until == START + LONGEST_ASKED


def test_a_probe_without_an_answer() -> None:
    """A probe that was cut off lets another begin."""
    gate = _broken()
    now = START + FIRST_PAUSE
    gate.begins()
    gate.let_go()
    assert gate.room(now, MOST) == 1
