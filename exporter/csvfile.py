"""The CSV of `tocsin exporter score`: `timestamp,value` in, one scored line for each line out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tocsin.errors import InputError, TocsinError
from tocsin.files import replacing
from tocsin.problem import Position, Problem

HEADER = ("timestamp", "value")
COLUMNS = ("timestamp", "value", "anomaly_score", "forecast", "lower", "upper", "event")
MOST_PROBLEMS = 20  # are shown; a file that is wrong from end to end is understood by then
LATEST = 253_402_300_800.0  # Unix seconds; the year 10000
LARGEST = 1e36  # what is beyond counts as missing, as in the exporter's reading


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the text as it stands, and what it means (`value` NaN where missing)."""

    line: int
    timestamp: str
    text: str
    when: float
    value: float


def read(file: Path) -> list[Row]:
    """The lines of a CSV file.

    Raises:
        InputError: with what is wrong, each with its line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "name a CSV file with the header timestamp,value"
        raise InputError([Problem("csv", f"cannot be read: {reason}", Position(str(file)), hint=hint)]) from error
    problems: list[Problem] = []
    rows = list(_rows(file, text, problems))
    if problems:
        raise InputError(_first(problems))
    return rows


def _first(problems: Sequence[Problem]) -> list[Problem]:
    """As many as are shown; the last one tells how many are not."""
    shown, more = list(problems[:MOST_PROBLEMS]), len(problems) - MOST_PROBLEMS
    if more > 0:
        hint = "is it a file of another kind?"
        shown.append(Problem("csv", f"{more} more like these", Position(shown[0].at.file), hint=hint))
    return shown


def _rows(file: Path, text: str, problems: list[Problem]) -> Iterator[Row]:
    reader = csv.reader(text.splitlines(), strict=True)  # an open quote would swallow the lines after it
    try:
        header = tuple(cell.strip() for cell in next(reader, []))
        if header != HEADER:
            hint = "make the first line: timestamp,value"
            found = f"the header is {','.join(header)!r}" if text.strip() else "the file is empty"
            problems.append(Problem("csv-header", found, Position(str(file), 1), hint=hint))
            return
        for cells in reader:
            if cells:
                yield from _row(cells, Position(str(file), reader.line_num), problems)
    except csv.Error as error:
        at = Position(str(file), reader.line_num)
        problems.append(Problem("csv", f"cannot be read: {error}", at, hint="write plain timestamp,value lines"))


def _row(cells: Sequence[str], at: Position, problems: list[Problem]) -> Iterator[Row]:
    if len(cells) != len(HEADER):
        hint = "write timestamp,value; an empty value is a missing one"
        count = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
        problems.append(Problem("csv-columns", f"{count} instead of 2", at, hint=hint))
        return
    try:
        yield Row(at.line, cells[0], cells[1], _when(cells[0].strip()), _value(cells[1].strip()))
    except _Unusable as error:
        problems.append(Problem("csv-value", f"{error}", at, hint=error.hint))


class _Unusable(ValueError):
    """A cell that cannot be read."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _when(text: str) -> float:
    """RFC 3339, `YYYY-MM-DD HH:MM:SS` as UTC, or Unix seconds."""
    try:
        when = float(text) if text[4:5] != "-" else _calendar(text)
    except ValueError:
        when = math.nan
    if not abs(when) < LATEST:
        hint = "write 2026-01-31T13:00:00Z, 2026-01-31 13:00:00 (UTC) or Unix seconds"
        raise _Unusable(f"{text!r} is not a time", hint)
    return when


def _calendar(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _value(text: str) -> float:
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise _Unusable(f"{text!r} is not a number", "write a number, or nothing where it is missing") from None
    return value if abs(value) <= LARGEST else math.nan


def out_of_order(rows: Iterable[Row]) -> list[int]:
    """The lines whose time is not after the line before."""
    before, lines = -math.inf, []
    for row in rows:
        if row.when <= before:
            lines.append(row.line)
        before = row.when
    return lines


def write(file: Path, lines: Iterable[Sequence[str]]) -> None:
    """Writes the scored lines; the file appears whole or not at all.

    Raises:
        TocsinError: it cannot be written.
    """
    try:
        with replacing(file) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(lines)
    except OSError as error:
        raise TocsinError(f"{file}: cannot be written: {error.strerror}") from error
