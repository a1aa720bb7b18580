"""How many reported events tell of a fault, and how many faults are told of, beside the bands that people write.

    python -m bench.exporter_accuracy [--seeds 11 12] [--series 250] [--false-alarms 0.1]
    python -m bench.exporter_accuracy --normal [--seeds 11]
    python -m bench.exporter_accuracy --nab DIR

Simulated services (bench/workload.py), two weeks of history and four weeks that count; mean and deviation, median and
median distance are bands of 24 hours. `--normal` counts false alarms where nothing is wrong. `--nab` prints NAB's
published score, its threshold optimised as NAB does, for the events that `tocsin exporter score` writes.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import nab
from bench.events import Tally, band, rises, tally
from bench.faults import PER_DAY
from bench.workload import HISTORY_DAYS, STEP, Workload, simulate
from exporter.frame import Floats, Frame
from exporter.models.interest import Interest
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from exporter.score import REPORTED_FROM

FIRST = HISTORY_DAYS * PER_DAY
BATCH = 200  # columns that a query's step brings


def main() -> None:
    """Prints one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[11])
    arguments.add_argument("--series", type=int, default=250)
    arguments.add_argument("--false-alarms", type=float, default=Interest().false_alarms_per_month)
    arguments.add_argument("--normal", action="store_true")
    arguments.add_argument("--nab", type=Path, metavar="DIR")
    chosen = arguments.parse_args()
    if chosen.nab:
        print_nab(nab.corpus(chosen.nab), Interest(chosen.false_alarms, report=REPORTED_FROM))
        return
    for seed in chosen.seeds:
        work = simulate(seed, series=chosen.series, normal=chosen.normal)
        asked = f"{chosen.false_alarms:g} false alarms a series and month asked"
        print(f"seed {seed}: {chosen.series} series, {len(work.faults)} faults; {asked}")
        print(f"{'':28} {'precision':>9} {'recall':>7} {'false a series-month':>21} {'µs a point':>11}")
        began = time.process_time()
        events = events_of(work.frame, Interest(chosen.false_alarms))
        _print("Tocsin", tally(events > 0, work.faults, first=FIRST), work, began)
        for name, robust in (("mean and deviation, 24 h", False), ("median and MAD, 24 h", True)):
            began = time.process_time()
            found = rises(band(work.frame.values, robust=robust))
            _print(name, tally(found, work.faults, first=FIRST), work, began)


def events_of(frame: Frame, interest: Interest) -> Floats:
    """The events of a model that knows nothing at first, shape (series, steps)."""
    model, state = Seasonal(interest=interest), SeasonalState.fresh(len(frame.values), frame.step)
    parts = []
    for first in range(0, frame.steps, BATCH):
        values = frame.values[:, first : first + BATCH]
        columns = Frame(values, frame.labels, frame.start + first * frame.step, frame.step)
        state, scores = model.update(state, columns)
        parts.append(scores.event)
    return np.hstack(parts)


def _print(name: str, found: Tally, work: Workload, began: float) -> None:
    seconds = time.process_time() - began
    months = len(work.kinds) * (work.frame.steps - FIRST) * STEP / (30 * 86_400)
    each = seconds / work.frame.values.size * 1e6
    print(f"{name:28} {found.precision:9.3f} {found.recall:7.3f} {found.false / months:21.3f} {each:11.2f}")
    print("  " + ", ".join(f"{kind} {found.found[kind]}/{count}" for kind, count in sorted(found.faults.items())))
    false: dict[str, int] = defaultdict(int)
    for row, count in found.false_rows.items():
        false[work.kinds[row]] += count
    print("  false: " + ", ".join(f"{kind} {count}" for kind, count in false.items() if count))


def print_nab(files: Sequence[nab.File], interest: Interest) -> None:
    """NAB's score of the whole corpus by profile, and of each folder at the corpus' threshold."""
    began = time.process_time()
    scores = [_score(file, interest) for file in files]
    seconds = time.process_time() - began
    results = {name: nab.evaluate(files, scores, profile) for name, profile in nab.PROFILES.items()}
    print(f"{len(files)} files; {seconds / sum(len(f.values) for f in files) * 1e6:.0f} µs a point, one series at once")
    print(f"{'':28}" + "".join(f"{name:>20}" for name in results))
    print(f"{'all':28}" + "".join(f"{result.score:20.1f}" for result in results.values()))
    print(f"{'threshold':28}" + "".join(f"{result.threshold:20.2f}" for result in results.values()))
    for folder in results["standard"].folders:
        print(f"{folder:28}" + "".join(f"{result.folders[folder]:20.1f}" for result in results.values()))


def _score(file: nab.File, interest: Interest) -> Floats:
    """The events of one file, line after line at the times that stand there."""
    model, state = Seasonal(interest=interest), SeasonalState.fresh(1, float(np.median(np.diff(file.times))))
    events = np.zeros(len(file.values))
    step = state.step
    for line, (when, value) in enumerate(zip(file.times.tolist(), file.values.tolist(), strict=True)):
        state, scores = model.update(state, Frame(np.array([[value]]), ({},), when, step))
        events[line] = np.nan_to_num(scores.event[0, 0])
    return events


if __name__ == "__main__":
    main()
