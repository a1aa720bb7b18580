"""The simulated services and the count of events against their faults."""

from __future__ import annotations

import numpy as np
import pytest

from bench.events import rises, tally
from bench.faults import GRACE, PER_DAY, Fault
from bench.workload import HISTORY_DAYS, KINDS, simulate


def test_a_seed_is_a_workload() -> None:
    """The same seed gives the same services; every kind is there; listed faults begin after the history."""
    one, other = (simulate(5, series=30, days=28) for _ in range(2))
    np.testing.assert_array_equal(one.frame.values, other.frame.values)
    assert one.faults == other.faults
    assert set(one.kinds) == set(KINDS)
    assert min(fault.first for fault in one.faults) >= HISTORY_DAYS * PER_DAY
    assert max(fault.last for fault in one.faults) < one.frame.steps


def test_nothing_is_wrong_where_asked() -> None:
    """A normal workload has no faults."""
    assert simulate(5, series=10, days=21, normal=True).faults == ()


def test_tally() -> None:
    """Two of three events lie in a fault's window, one of two faults is found; what lies before is not counted."""
    events = np.zeros((2, 100), dtype=bool)
    events[0, [5, 50, 55, 90]] = True
    found = tally(events, [Fault(0, "spike", 50, 50 + GRACE), Fault(1, "leak", 20, 40)], first=10)
    assert (found.true, found.false) == (2, 1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == 0.5
    assert dict(found.found) == {"spike": 1, "leak": 0}


def test_a_band_reports_once() -> None:
    """What stays high, or comes back within the dead time, is one event."""
    high = np.zeros((1, 300), dtype=bool)
    high[0, [10, 11, 40, 41, 200]] = True
    assert np.flatnonzero(rises(high)[0]).tolist() == [10, 200]
