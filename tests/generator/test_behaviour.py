"""What the templates' alerts do in a real Prometheus: promtool plays series to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.packs import alert
from tests.generator.playing import Played, fires, play

CASES: list[Played] = [
    ("errors beyond the share fire", "ratio: {errors: e, total: t, above: 0.05}", {"e": "1x9", "t": "10x9"}, [5], []),
    ("no traffic is silence", "ratio: {errors: e, total: t, above: 0.05}", {"e": "0x9", "t": "0x9"}, [], [5]),
    ("no error series yet is silence", "ratio: {errors: e, total: t, above: 0}", {"t": "10x9"}, [], [5]),
    (
        "one error at night pages nobody",
        "ratio: {errors: e, total: t, above: 0.05, minimum: 5}",
        {"e": "1x4 1x4", "t": "1x4 10x4"},
        [7],
        [2],
    ),
    ("absence fires without series", "absence: {selector: 'up{job=\"api\"}'}", {"up{job='db'}": "1x9"}, [5], []),
    ("absence is silent while one is left", "absence: {selector: up}", {"up{job='db'}": "1x9"}, [], [5]),
    (
        "a vanished series is missed, then forgotten",
        "absence: {selector: up, seen_within: 20m}",
        {"up{job='a'}": "1x40", "up{job='b'}": "1x5 stale _x40"},
        [8, 20],
        [3, 30],
    ),
    ("a threshold on either of two", "threshold: {expr: a or b, above: 5}", {"a": "1x9", "b{x='1'}": "9x9"}, [5], []),
    ("a heartbeat always fires", "heartbeat:", {}, [0, 5], []),
]


@pytest.mark.real
def test_templates_behave(promtool: Path, tmp_path: Path) -> None:
    """Each alert fires at these minutes and is silent at those."""
    cases = (fires(case[0], alert(case[1]), *case[2:]) for case in CASES)
    play(cases, promtool=promtool, folder=tmp_path)
