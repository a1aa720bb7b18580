"""What the alerts of `anomaly` do in a real Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.packs import alert
from tests.generator.playing import Case, fires, play


def _noise(minutes: int, middle: int = 12) -> str:
    """Values up to 2 from the middle; their MAD is 1, their standard deviation 1.4."""
    return " ".join(str(middle - 2 + minute * 7 % 5) for minute in range(minutes))


def _days(days: int, *, busy: int, then: str) -> str:
    """Samples every twelve minutes: noise around 12, from 8 to 16 h of each day around `busy`; `then` from 8 h on."""
    day = f"{_noise(40)} {_noise(40, busy)} {_noise(40)}"
    return f"{' '.join([day] * days)} {_noise(40)} {then}"


HOUR = "engine: promql, expr: x, window: 1h"
NANS = " ".join(["NaN"] * 8)
JUMP = f"{_noise(120)} 30x9"

# (what it shows, facts, values of x, minutes at which the alert fires, minutes at which it does not)
Banded = tuple[str, str, str, list[int], list[int]]
BANDS: list[Banded] = [
    ("a jump fires, noise does not", HOUR, JUMP, [120, 125], [60, 90, 119]),
    ("a fall fires too", HOUR, f"{_noise(120)} 2x9", [120], [119]),
    ("a jump is no fall", f"{HOUR}, direction: down", JUMP, [], [119, 122]),
    ("a fall is no jump", f"{HOUR}, direction: up", f"{_noise(120)} 2x9", [], [119, 122]),
    ("a fall alone", f"{HOUR}, direction: down", f"{_noise(120)} 2x9", [120], [119]),
    ("mean and standard deviation", f"{HOUR}, method: deviation", JUMP, [120, 122], [60, 90, 119]),
    ("a wider band", f"{HOUR}, deviations: 20", JUMP, [], [120]),
    ("thin evidence is silent", HOUR, f"{_noise(30)} 30x9", [], [0, 1, 5, 30, 35]),
    ("a new series is silent", HOUR, f"_x100 {_noise(10)} 30x9", [], [101, 105, 111, 115]),
    ("evidence enough after four fifths", HOUR, f"{_noise(52)} 30x9", [53], [51]),
    ("a gap of some minutes blinds nobody", HOUR, f"{_noise(80)} _x8 {_noise(30)} 30x9", [121], [117]),
    ("what is NaN spoils no window", HOUR, f"{_noise(80)} {NANS} {_noise(30)} 30x9", [121], [85, 117]),
    ("NaN spoils no mean", f"{HOUR}, method: deviation", f"{_noise(80)} {NANS} {_noise(30)} 30x9", [121], [85, 117]),
    ("no MAD, no band", HOUR, "5x100 9x9", [], [99, 103]),
    ("a flat value does not move", f"{HOUR}, method: deviation", "0.1x120", [], [60, 90, 119]),
    ("a flat value moves a little", f"{HOUR}, minimum_deviation: 2", "5x100 6.9x9", [], [99, 103]),
    ("a flat value moves", f"{HOUR}, minimum_deviation: 2", "5x100 7.5x9", [103], [99]),
    ("a flat value moves a little: mean", f"{HOUR}, minimum_deviation: 2, method: deviation", "5x99 6.9x2", [], [101]),
    ("a flat value moves: mean", f"{HOUR}, minimum_deviation: 2, method: deviation", "5x99 7.5x2", [101], [99]),
    ("the minimum does not narrow a band", f"{HOUR}, minimum_deviation: 1", JUMP, [120], [60, 90, 119]),
]

DAY = "engine: promql, expr: x, season: 1d"

# The same with samples every twelve minutes; at minute 4800 it is 8 h on the fourth day.
SEASONS: list[Banded] = [
    ("a busy hour like yesterday's", DAY, _days(3, busy=60, then=_noise(17, 60)), [], [1992, 3804, 4788, 4812]),
    ("the busy hour does not come", DAY, _days(3, busy=60, then=_noise(17)), [4836], [4788]),
    ("a night like a day", DAY, _days(3, busy=60, then=f"{_noise(40, 60)} 60x9"), [5328], [5268]),
    ("a day is thin", DAY, _days(1, busy=60, then="900x9"), [], [1932, 1992]),
    ("the mean of days", f"{DAY}, method: deviation, deviations: 6", _days(3, busy=60, then="900x9"), [4812], [4788]),
    ("a flat value of days", f"{DAY}, method: deviation", "0.1x420", [], [3900, 4500, 4992]),
    ("a day's window by default", "engine: promql, expr: x", f"{_noise(120)} 30x9", [1452], [1428]),
]

# The score's values, and when the alert fires and does not.
SCORES = [("0.4x9 1.5x9", [15, 19], [9, 12, 14]), ("0.4x9 1.5x2 0.9x9", [], [12, 16, 20]), ("1x20", [], [20])]


@pytest.mark.real
def test_a_band_tells_a_jump_from_noise(promtool: Path, tmp_path: Path) -> None:
    """With `engine: promql` each alert fires at these minutes and is silent at those."""
    play(map(_banded, BANDS), promtool=promtool, folder=tmp_path)


@pytest.mark.real
def test_a_band_follows_the_season(promtool: Path, tmp_path: Path) -> None:
    """With a season, what is usual is what was so at this time of earlier days."""
    play(map(_banded, SEASONS), promtool=promtool, folder=tmp_path, step_minutes=12)


def _banded(case: Banded) -> Case:
    shows, facts, values, firing, silent = case
    return fires(shows, alert(f"anomaly: {{{facts}}}"), {"x{job='a'}": values}, firing, silent)


@pytest.mark.real
def test_a_score_above_the_limit_fires(promtool: Path, tmp_path: Path) -> None:
    """With `engine: exporter` the alert fires once the score was above 1 for `for`; other queries are not its own."""
    rules = alert("anomaly: {query: latency, matchers: {region: eu}}", for_="5m")
    others = {
        "tocsin_anomaly_score{query='latency',region='us'}": "9x30",
        "tocsin_anomaly_score{query='errors',region='eu'}": "9x30",
    }
    cases = (
        fires(values, rules, {"tocsin_anomaly_score{query='latency',region='eu'}": values, **others}, *played)
        for values, *played in SCORES
    )
    play(cases, promtool=promtool, folder=tmp_path)
