"""The benchmark's server answers as Prometheus would, and its verdicts tell what was missed."""

from __future__ import annotations

import json

from bench.exporter_server import answer, labels
from bench.exporter_throughput import LARGE, MIDDLE, _verdicts


def test_the_server_answers_what_was_asked() -> None:
    """Each series has a number at each time, in Prometheus's JSON; other times come with the same labels."""
    for start in (1768478400, 1768478460):
        data = json.loads(answer(3, start, start + 240, 60))["data"]
        assert data["resultType"] == "matrix"
        assert [series["metric"] for series in data["result"]] == [labels(row) for row in range(3)]
        for series in data["result"]:
            assert [when for when, _ in series["values"]] == [start + 60 * column for column in range(5)]
            assert all(0 < float(value) < 1000 for _, value in series["values"])


def test_verdicts() -> None:
    """What is within what was asked is ok, the rest is missed."""
    good = {"series": LARGE, "published": "score", "step": 1.0, "peak": 1e9}
    slow = {"series": LARGE, "published": "score, band, 1h", "step": 4.0, "peak": 1e9}
    small = {"series": MIDDLE, "published": "score", "step": 0.2, "peak": 1e9}
    told = list(_verdicts([good, slow, small], {"theirs": 1.0, "ours": 3.0}))
    assert [line.split()[-1] for line in told] == ["ok", "ok", "MISSED", "MISSED", "ok", "MISSED"]
