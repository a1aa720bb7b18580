"""The shop's series as text: what a scrape reads, and what promtool turns into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from demo.shop.rhythm import Floats
from demo.shop.services import FAMILIES, Family, Service
from demo.shop.simulation import Series

Totals = Mapping[Series, float]


def exposition(totals: Totals) -> str:
    """What a scrape of one service reads, in the text format 0.0.4."""
    lines: list[str] = []
    for family in FAMILIES:
        rows = [(series, value) for series, value in totals.items() if series.family is family]
        if rows:
            name = family.name + ("_total" if family.kind == "counter" else "")
            lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
            lines += [f"{_name(series, {})} {value:.15g}" for series, value in rows]
    return "\n".join([*lines, ""])


def write_openmetrics(file: Path, past: Mapping[Service, Mapping[Series, Floats]], times: Floats) -> int:
    """Writes the values of every series at every Unix time, family after family; returns the number of samples."""
    stamps = [f" {time:.0f}\n" for time in times]
    samples = 0
    with file.open("w", encoding="ascii") as out:
        for family in FAMILIES:
            out.write(f"# TYPE {family.name} {family.kind}\n# HELP {family.name} {family.help}\n")
            for service, series, values in _of(family, past):
                head = f"{_name(series, service.labels)} "
                texts = map(str, values.astype(int).tolist() if _whole(values) else values.round(3).tolist())
                out.write(head + head.join(map("".join, zip(texts, stamps, strict=True))))
                samples += len(values)
        out.write("# EOF\n")
    return samples


def _of(family: Family, past: Mapping[Service, Mapping[Series, Floats]]) -> Iterable[tuple[Service, Series, Floats]]:
    for service, rows in past.items():
        for series, values in rows.items():
            if series.family is family:
                yield service, series, values


def _whole(values: Floats) -> bool:
    return bool((values == values.round()).all())


def _name(series: Series, labels: Mapping[str, str]) -> str:
    written = ",".join(f'{name}="{value}"' for name, value in (*series.labels, *labels.items()))
    return series.family.name + series.suffix + (f"{{{written}}}" if written else "")
