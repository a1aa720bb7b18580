"""`python -m demo.shop.past DIR`: two weeks of the shop as OpenMetrics, and the totals from which it goes on."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.services import SERVICES, Service
from demo.shop.simulation import Series, Stretch, happen
from demo.shop.text import write_openmetrics

DAYS = 14
STEP_SECONDS = 30
SAMPLES = "shop.om"
TOTALS = "shop.json"

Past = Mapping[Service, Mapping[Series, Floats]]


def make(end: float, *, days: float = DAYS, seed: int = 1) -> tuple[Floats, Past]:
    """The Unix times of so many days before `end`, and each series' value at each, counters summed up."""
    times = np.arange(int(end - days * 86_400), int(end), STEP_SECONDS, dtype=np.float64)
    stretch = Stretch(times, STEP_SECONDS, np.random.default_rng(seed))
    return times, {service: _summed(happen(service, stretch)) for service in SERVICES}


def _summed(rows: Mapping[Series, Floats]) -> dict[Series, Floats]:
    gauge = {series: series.family.kind == "gauge" for series in rows}
    return {series: values if gauge[series] else np.cumsum(values).round(3) for series, values in rows.items()}


def write(folder: Path, times: Floats, past: Past) -> int:
    """Writes both files; returns the number of samples."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = write_openmetrics(folder / SAMPLES, past, times)
    totals = {
        service.instance: [
            [series.family.name, series.suffix, series.labels, values[-1]] for series, values in rows.items()
        ]
        for service, rows in past.items()
    }
    (folder / TOTALS).write_text(json.dumps({"at": times[-1], "totals": totals}), encoding="utf-8")
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.shop.past", description="Two weeks of the shop's metrics.")
    parser.add_argument("folder", type=Path, help=f"where {SAMPLES} and {TOTALS} are written")
    parser.add_argument("--days", type=float, default=DAYS)
    arguments = parser.parse_args()
    if (arguments.folder / TOTALS).exists():
        # Twice, the same counters would count two different pasts.
        (arguments.folder / SAMPLES).write_text("# EOF\n", encoding="ascii")
        print("the past is there already")
        return
    times, past = make(time.time(), days=arguments.days)
    samples = write(arguments.folder, times, past)
    print(f"{samples:,} samples of {sum(map(len, past.values()))} series over {arguments.days:g} days")


if __name__ == "__main__":
    main()
