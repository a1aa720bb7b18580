"""The shop's series as text: what a scrape reads, and what promtool turns into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Family, Rows, Series

DECIMALS = 6

T = TypeVar("T")


def exposition(values: Mapping[Series, float]) -> str:
    """What a scrape of one target reads, in the text format 0.0.4."""
    lines: list[str] = []
    for family, rows in _by_family(values.items()).items():
        lines += [f"# HELP {family.name} {family.about}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{_name(series, {})} {value:.15g}" for series, value in rows]
    return "\n".join([*lines, ""])


def write_openmetrics(file: Path, pages: Iterable[tuple[Mapping[str, str], Floats, Rows]]) -> int:
    """Writes values at Unix times, family after family; returns the number of samples.

    `pages` are labels of a target, times, and rows of that length; where a value is NaN nothing is written.
    """
    everything = _by_family(
        (series, (labels, times, values)) for labels, times, rows in pages for series, values in rows.items()
    )
    stamps: dict[int, list[str]] = {}
    samples = 0
    with file.open("w", encoding="ascii", buffering=1 << 20) as out:
        for family, rows in everything.items():
            out.write(f"# TYPE {_open_name(family)} {_open_kind(family)}\n")
            for series, (labels, times, values) in rows:
                if id(times) not in stamps:
                    stamps[id(times)] = [f" {time:.0f}\n" for time in times]
                head = f"{_name(series, labels)} "
                lines = [head + text + stamp for text, stamp in _present(values, stamps[id(times)])]
                out.write("".join(lines))
                samples += len(lines)
        out.write("# EOF\n")
    return samples


def _present(values: Floats, stamps: list[str]) -> Iterable[tuple[str, str]]:
    """The values that are there, as text, and their stamps."""
    if (gone := np.isnan(values)).any():
        kept = np.flatnonzero(~gone)
        return zip(_texts(values[kept]), (stamps[place] for place in kept), strict=True)
    return zip(_texts(values), stamps, strict=True)


def _texts(values: Floats) -> Iterator[str]:
    if (values == values.round()).all():
        return map(str, values.astype(np.int64).tolist())
    return map(str, values.round(DECIMALS).tolist())


def _by_family(rows: Iterable[tuple[Series, T]]) -> dict[Family, list[tuple[Series, T]]]:
    found: dict[Family, list[tuple[Series, T]]] = {}
    for series, value in rows:
        found.setdefault(series.family, []).append((series, value))
    return found


def _open_name(family: Family) -> str:
    return family.name.removesuffix("_total") if family.kind == "counter" else family.name


def _open_kind(family: Family) -> str:
    """OpenMetrics calls only that a counter which is named so."""
    if family.kind == "untyped" or (family.kind == "counter" and not family.name.endswith("_total")):
        return "unknown"
    return family.kind


def _name(series: Series, labels: Mapping[str, str]) -> str:
    written = ",".join(f'{name}="{value}"' for name, value in (*series.labels, *labels.items()))
    return series.family.name + series.suffix + (f"{{{written}}}" if written else "")
