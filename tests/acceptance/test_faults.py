"""The packs' promise over time-compressed history: hardly a false alert in two weeks, and every fault found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from demo.measuring import page
from demo.measuring.measure import Measured, Measuring
from demo.measuring.plan import HOUR
from demo.measuring.showing import named, text
from demo.measuring.verdict import Verdict
from tests.real import pair

pytestmark = [pytest.mark.slow(seconds=400), pytest.mark.real, pytest.mark.timeout(1800)]

MOST_FALSE = 3
MOST_MEDIAN = timedelta(minutes=5)
LEAST_LEAD = HOUR
SCORED = 24 * HOUR  # of the normal weeks, by the exporter: it goes step by step; docs/guide/faults.md has all of them
APART = timedelta(minutes=2)  # that numbers on another machine may move an alert


def _tell(text: str, end: str = "\n") -> None:
    print(text, end=end)


async def test_faults(tmp_path: Path) -> None:
    """By recording rules alone and by the exporter: few false alerts, all ten faults, soon, as the page states."""
    binaries = pair("current").prometheus.parent
    measured = await Measuring(binaries, tmp_path, _tell, SCORED).measured()
    print(text(measured.verdicts))
    assert [verdict.engine for verdict in measured.verdicts] == ["promql", "exporter"]
    for verdict in measured.verdicts:
        assert [named(one) for one in verdict.false][MOST_FALSE:] == [], "more false alerts than promised"
        assert verdict.missed == []
        assert verdict.median is not None
        assert verdict.median <= MOST_MEDIAN
        _ahead(verdict)
    _as_stated(measured)


def _ahead(verdict: Verdict) -> None:
    """What is used up slowly is told of an hour before it is."""
    leads = {one.episode.fault: one.lead for one in verdict.findings if one.episode.exhausted}
    assert leads.keys() == {"memory-leak", "disk-filling"}
    assert [fault for fault, lead in leads.items() if lead is None or lead < LEAST_LEAD] == []


def _as_stated(measured: Measured) -> None:
    """docs/guide/faults.md names the alert that is first, and when."""
    stated = page.stated(page.PAGE.read_text(encoding="utf-8"))
    found = {(one.episode.fault, verdict.engine): one for verdict in measured.verdicts for one in verdict.findings}
    assert stated.keys() == found.keys()
    for place, said in stated.items():
        times = {one.alert: found[place].after(one) for one in found[place].firings}
        assert said.alert in times, place
        assert abs(times[said.alert] - said.after) <= APART, place
        assert times[said.alert] - min(times.values()) <= APART, f"{place}: another one is first"
