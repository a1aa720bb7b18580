"""Sheets as OpenMetrics with timestamps: each family once, each series' samples together and in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from pathlib import Path
from typing import BinaryIO

import numpy as np

from exporter.backfilling.sheet import Sheet
from exporter.page import EOF
from exporter.rendering import FAMILIES, heads, numbers
from tocsin.errors import UsageError

HEAD = b"# HELP tocsin_backfill Written by tocsin exporter backfill.\n"  # tells a file of ours


@dataclass(frozen=True, slots=True)
class Written:
    """How much was written."""

    series: int = 0
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Scrapes:
    """The times of which is told, Unix seconds: from `first` on so many, `every` seconds apart."""

    first: int
    every: int
    count: int

    @property
    def last(self) -> int:
        return self.first + (self.count - 1) * self.every

    def at(self, when: float) -> int:
        """The number of the first scrape at a time or after it, at most `count`."""
        return int(min(max(-((self.first - when) // self.every), 0), self.count))


def refuse_others(file: Path) -> None:
    """Leaves files of others alone.

    Raises:
        UsageError: there is one of this name.
    """
    if not file.is_file() or not file.stat().st_size:
        return
    with file.open("rb") as stream:
        if stream.read(len(HEAD)) != HEAD:
            raise UsageError(f"{file}: was not written by tocsin exporter backfill; move it away, or choose another -o")


def write(stream: BinaryIO, sheets: Sequence[Sheet], scrapes: Scrapes) -> Written:
    """Writes what the sheets hold.

    Raises:
        OSError: it cannot be written.
    """
    times = [b" %d\n" % (scrapes.first + number * scrapes.every) for number in range(scrapes.count)]
    about, series, samples = heads(openmetrics=True), 0, 0
    stream.write(HEAD)
    for family in FAMILIES:
        named = [(sheet, name, row) for sheet in sheets for name, row in sheet.names.get(family, {}).items()]
        if named:
            stream.write(about[family])
        for sheet, name, row in named:
            count, text = _lines(name, sheet.values(row), times)
            stream.write(text)
            series, samples = series + (count > 0), samples + count
    stream.write(EOF)
    return Written(series, samples)


def _lines(name: bytes, values: np.ndarray, times: Sequence[bytes]) -> tuple[int, bytes]:
    there = ~np.isnan(values)
    count = int(np.count_nonzero(there))
    if not count:
        return 0, b""
    parts: list[bytes] = [b""] * (3 * count)
    parts[0::3] = repeat(name, count)
    parts[1::3] = numbers(values[there])
    parts[2::3] = times if count == len(times) else compress(times, there)
    return count, b"".join(parts)
