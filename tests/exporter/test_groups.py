"""Groups of series judged together by an isolation forest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from exporter import groups
from exporter.compressed import plain
from exporter.fitting import Here
from exporter.frame import Floats, Frame
from exporter.labelling import prefixes
from exporter.model import NEW, Scores
from exporter.page import page, snapshot
from exporter.publishing.group_scores import FEWEST, GROUP, SHARE, GroupScores
from exporter.publishing.samples import Step
from tests.exporter.series import STEP

LABELS = [{"service": service, "pod": f"{service}{pod}"} for service in "ab" for pod in range(4)]


def quiet(steps: int, series: int = len(LABELS), seed: int = 1) -> Floats:
    """What series are off by when all is well, in half bands, (steps, series)."""
    return np.random.default_rng(seed).normal(0, 0.25, (steps, series))


class Watched:
    """A publisher of group scores and what it has said."""

    def __init__(self, labels: list[dict[str, str]] = LABELS) -> None:
        self.labels, self.at = labels, 0
        self.groups = GroupScores("q", ["service"], STEP, 0.05, Here())
        self.groups.begin(Frame(np.empty((len(labels), 0)), labels, 0, STEP))

    def step(self, residuals: Floats) -> dict[str, Floats]:
        """Residuals of some steps, (steps, series)."""
        values, zero = residuals.T, np.zeros(residuals.T.shape)
        frame = Frame(values, self.labels, self.at * STEP, STEP)
        self.at += len(residuals)
        self.said = list(self.groups(Step(frame, Scores(zero, zero, zero - 1, zero + 1, zero), None)))
        return {samples.family: samples.values for samples in self.said}

    def learned(self) -> Watched:
        self.step(quiet(500))
        self.step(quiet(1, seed=2))
        return self


def test_together_they_say_more() -> None:
    """Series that are off at once make their group anomalous, and are named; the other group is not."""
    watched, shift = Watched().learned(), np.array([0.5, 0.5, 0.5, 0, 0, 0, 0, 0])
    with capture_logs() as logs:
        for residuals in quiet(12, seed=3):
            found = watched.step((residuals + 1.5 * shift)[None])
    assert found[GROUP][0] > 1 > found[GROUP][1]
    assert found[SHARE][:4].sum() == pytest.approx(1)
    assert found[SHARE][3] == found[SHARE][:4].min()
    assert np.isnan(found[SHARE][4:]).all()
    (finding,) = watched.groups.findings
    assert finding.group == {"service": "a"}
    assert finding.members[0][1] == found[SHARE].max(initial=0, where=np.isfinite(found[SHARE]))
    (told,) = [entry for entry in logs if entry["event"] == "a group is anomalous"]
    assert {series["service"] for series in told["series"]} == {"a"}


def test_too_early_to_say() -> None:
    """Without a forest there is no score."""
    watched = Watched()
    assert np.isnan(watched.step(quiet(FEWEST - 1))[GROUP]).all()


def test_labels() -> None:
    """A group's score has the group's labels and the query, a share those of its series."""
    watched = Watched().learned()
    for residuals in quiet(12, seed=3):
        watched.step(residuals[None] + 2.0 * (np.arange(8) < 4))
    rows = prefixes([tuple(sorted(labels.items())) for labels in LABELS], "q")
    text = plain(page([snapshot(watched.said, rows, expires=1)], now=0)).decode()
    assert [line.split(" ")[0] for line in text.splitlines() if line.startswith(GROUP)] == [
        f'tocsin_group_anomaly_score{{query="q",service="{service}"}}' for service in "ab"
    ]
    assert '{pod="a0",query="q",service="a"}' in text


def test_members_come_and_go() -> None:
    """A group that stays as it is keeps its forest; one whose members change has none until the next one is grown."""
    watched = Watched().learned()
    watched.labels = [*LABELS[:7], {"service": "b", "pod": "new"}]
    watched.groups.resize(np.array([*range(7), NEW]))
    found = watched.step(quiet(1, seed=4))[GROUP]
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    assert np.isfinite(watched.step(quiet(1, seed=5))[GROUP]).all()


def test_over_a_restart() -> None:
    """What was off before a restart grows the forests again at once."""
    before, after = Watched().learned(), Watched()
    after.groups.restore({name: array.copy() for name, array in before.groups.arrays().items()}, len(LABELS))
    after.step(quiet(1, seed=4))
    assert np.isfinite(after.step(quiet(1, seed=5))[GROUP]).all()
    after.groups.restore({}, 3)
    after.labels = LABELS[:3]
    assert np.isnan(after.step(quiet(1, series=3))[GROUP]).all()


def test_what_is_missing_is_no_evidence() -> None:
    """Values that are missing count as expected ones."""
    watched = Watched().learned()
    gaps = quiet(1, seed=6)
    gaps[0, :3] = np.nan
    assert (watched.step(gaps)[GROUP] < 1).all()


CASES: dict[str, tuple[list[dict[str, str]], list[int]]] = {
    "two and more": ([{"service": "a"}, {"service": "a", "x": "1"}, {"service": "b"}], [2]),
    "without the label": ([{"x": "1"}, {"x": "2"}], []),
    "too many in one": ([{"service": "a", "pod": str(pod)} for pod in range(70)], [groups.MOST_MEMBERS]),
}


@pytest.mark.parametrize(("labels", "sizes"), CASES.values(), ids=CASES)
def test_groups_of(labels: list[dict[str, str]], sizes: list[int]) -> None:
    """Two series with the same labels make a group, of which a bounded number is looked at."""
    found, left_out = groups.groups_of(labels, ["service"])
    assert [len(group.rows) for group in found] == sizes
    assert left_out == max(0, len(labels) - groups.MOST_MEMBERS)


def test_contributions_of_nothing() -> None:
    """Where no series stands out all have the same share."""
    trees: Any = groups.planted(groups.grow(quiet(100, series=4)))
    assert groups.contributions(trees, np.zeros(4)).tolist() == [0.25] * 4
