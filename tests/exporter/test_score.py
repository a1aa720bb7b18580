"""`tocsin exporter score`: the promised CSV, strictly causal, and what is refused."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from exporter import commands
from exporter.score import score_file
from tests.commands import tocsin
from tests.exporter.series import PER_DAY, STEP, THURSDAY, make, times
from tocsin.errors import InputError, MissingExtra, TocsinError

TOCSIN = Path(sys.executable).with_name("tocsin")
COLUMNS = ["timestamp", "value", "anomaly_score", "forecast", "lower", "upper", "event"]


def write(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(["timestamp,value", *lines]) + "\n", encoding="utf-8")
    return file


def data(days: float = 9, fall: int | None = 8 * PER_DAY + 180) -> list[str]:
    values = make("weekly", times(days), series=1, seed=1)[0]
    if fall is not None:
        values[fall : fall + 6] *= 0.25
    return [f"{THURSDAY + STEP * row},{value:.3f}" for row, value in enumerate(values)]


def score(source: Path) -> list[dict[str, str]]:
    target = source.with_suffix(".scored")
    score_file(source, target)
    with target.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_one_line_for_each_line(tmp_path: Path) -> None:
    """The output has the promised columns and one line for each line, timestamp and value as they came."""
    lines = data(2, None)
    rows = score(write(tmp_path / "in.csv", *lines))
    assert list(rows[0]) == COLUMNS
    assert [f"{row['timestamp']},{row['value']}" for row in rows] == lines
    assert all(float(row["anomaly_score"]) >= 0 for row in rows)


def test_a_collapse_is_one_event(tmp_path: Path) -> None:
    """A half-hour collapse scores above 1, and exactly one of its lines bears an event, equal to its score."""
    rows = score(write(tmp_path / "in.csv", *data()))[8 * PER_DAY + 180 :][:6]
    assert all(float(row["anomaly_score"]) > 1 for row in rows)
    events = [row for row in rows if float(row["event"]) > 0]
    assert [row["event"] for row in events] == [row["anomaly_score"] for row in events]
    assert len(events) == 1


def test_nothing_depends_on_later_lines(tmp_path: Path) -> None:
    """A file that ends earlier has the same lines up to there, even in the midst of a collapse."""
    lines = data(2.8, 2 * PER_DAY + 180)
    whole = score(write(tmp_path / "whole.csv", *lines))
    for cut in (1, 2, 3, 50, PER_DAY + 1, 2 * PER_DAY + 183):
        assert score(write(tmp_path / "cut.csv", *lines[:cut])) == whole[:cut], cut


@pytest.mark.parametrize(
    "stamp",
    ["2026-01-31T13:00:00Z", "2026-01-31T14:00:00+01:00", "2026-01-31 13:00:00", "1769864400", "1769864400.0"],
)
def test_timestamps(tmp_path: Path, stamp: str) -> None:
    """Every promised way to write one moment means the same moment."""
    lines = [f"{1769864400 - 300 * back},{100 + back % 3}" for back in range(60, 0, -1)]
    expected = score(write(tmp_path / "a.csv", *lines, "1769864400,150"))[-1]
    got = score(write(tmp_path / "b.csv", *lines, f"{stamp},150"))[-1]
    assert {**got, "timestamp": ""} == {**expected, "timestamp": ""}


def test_a_missing_value(tmp_path: Path) -> None:
    """A missing value scores 0, reports nothing, and still has its forecast."""
    lines = data(1, None)
    lines[200] = lines[200].partition(",")[0] + ","
    row = score(write(tmp_path / "in.csv", *lines))[200]
    assert (row["value"], row["anomaly_score"], row["event"]) == ("", "0", "0")
    assert float(row["lower"]) < float(row["forecast"]) < float(row["upper"])


def test_times_out_of_order_are_scored(tmp_path: Path) -> None:
    """Repeated and backward times are scored in file order with a warning on stderr, exit 0."""
    lines = data(1, None)
    lines[10], lines[20] = lines[9], lines[5]
    source, target = write(tmp_path / "in.csv", *lines), tmp_path / "out.csv"
    ran = subprocess.run(
        [TOCSIN, "exporter", "score", "--input", source, "--output", target], capture_output=True, text=True, check=True
    )
    assert "2 times are not after the line before (lines 12, 22); scored in file order" in ran.stderr
    assert len(target.read_text().splitlines()) == 1 + len(lines)


def test_empty_file_with_a_header(tmp_path: Path) -> None:
    """A header alone gives a header alone."""
    assert score(write(tmp_path / "in.csv")) == []


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ("time,val\n1,2\n", 1, "the header is 'time,val'", "timestamp,value"),
        ("", 1, "the file is empty", "timestamp,value"),
        ('timestamp,value\n1,"2\n3,4\n', 3, "cannot be read", "plain timestamp,value lines"),
        ("timestamp,value\n1,2\n2,high\n", 3, "'high' is not a number", "a number, or nothing"),
        ("timestamp,value\nyesterday,2\n", 2, "'yesterday' is not a time", "2026-01-31T13:00:00Z"),
        ("timestamp,value\nnan,2\n", 2, "'nan' is not a time", "Unix seconds"),
        ("timestamp,value\n1769864400000,2\n", 2, "'1769864400000' is not a time", "Unix seconds"),
        ("timestamp,value\n1,2,3\n", 2, "3 columns instead of 2", "an empty value is a missing one"),
    ],
)
def test_refused(tmp_path: Path, text: str, line: int, said: str, hint: str) -> None:
    """What cannot be meant is refused with its line, what it is and how to mend it; nothing is written."""
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        score_file(source, target)
    problem = refused.value.problems[0]
    assert (problem.at.line, problem.at.file) == (line, str(source))
    assert said in problem.message
    assert hint in problem.hint
    assert list(tmp_path.iterdir()) == [source]


def test_many_wrong_lines(tmp_path: Path) -> None:
    """Twenty problems are shown, and how many more there are."""
    with pytest.raises(InputError) as refused:
        score_file(write(tmp_path / "in.csv", *["1,high"] * 50), tmp_path / "out.csv")
    assert len(refused.value.problems) == 21
    assert "30 more" in refused.value.problems[-1].message


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e300", "-2e36"])
def test_what_is_no_value(tmp_path: Path, value: str) -> None:
    """What the exporter takes for a missing value is missing in a file, too; the output has it as it came."""
    rows = score(write(tmp_path / "in.csv", *[f"{300 * row},{100 + row % 3}" for row in range(20)], f"6000,{value}"))
    without = score(write(tmp_path / "in.csv", *[f"{300 * row},{100 + row % 3}" for row in range(20)], "6000,"))
    assert rows[-1] == without[-1] | {"value": value}


def test_refusal_as_a_command(tmp_path: Path) -> None:
    """The command shows file:line and exits 1."""
    source = write(tmp_path / "in.csv", "1,high")
    ran = tocsin("exporter", "score", "--input", str(source), "--output", str(tmp_path / "out.csv"))
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"{source}:2: error: 'high' is not a number")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    """A missing input and an output folder that is not there are named; no part of a file is left."""
    with pytest.raises(InputError):
        score_file(tmp_path / "none.csv", tmp_path / "out.csv")
    source = write(tmp_path / "in.csv", "1,2")
    with pytest.raises(TocsinError, match="cannot be written"):
        score_file(source, tmp_path / "none" / "out.csv")
    assert np.array_equal([entry.name for entry in tmp_path.iterdir()], ["in.csv"])


def test_without_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without numpy the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtra, match=r"numpy is not installed: pip install 'tocsin\[exporter\]'"):
        commands.score(tmp_path / "in.csv", tmp_path / "out.csv")
