"""What a step of the exporter costs: read, score, publish and one scrape, beside what else people use.

    python -m bench.exporter_throughput [--series 1000 10000 100000] [--steps 5] [--no-history] [--no-foreign]
    python -m bench.exporter_throughput --series 1000 --steps 2 --history-series 200      # a small run

A local server (bench/exporter_server.py, a process of its own) answers like Prometheus. Each size runs in a process of
its own, whose processor time (all its threads) and peak memory are told; the scrape is one by HTTP with gzip, as
Prometheus asks for it. The best step of several counts; ratios, not seconds, are comparable between machines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# What is asked (issue 6).
LARGE, MIDDLE = 100_000, 10_000
STEP_SECONDS, STEP_WITH_HORIZON_SECONDS = 1.5, 3.0
LARGE_BYTES, MIDDLE_BYTES = 1.5e9, 300e6
COST_RATIO = 1.5
TIMES_FASTER = 5.0

Row = dict[str, Any]


def main() -> None:
    """Prints a table for each question, then what was asked beside what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--series", type=int, nargs="+", default=[1_000, MIDDLE, LARGE])
    arguments.add_argument("--steps", type=int, default=5)
    arguments.add_argument("--history-series", type=int, default=MIDDLE)
    arguments.add_argument("--history-days", type=int, default=14)
    arguments.add_argument("--no-history", action="store_true")
    arguments.add_argument("--no-foreign", action="store_true", help="without sktime's models")
    chosen = arguments.parse_args()
    with server() as url:
        steps = _steps(url, chosen.series, chosen.steps)
        history = {} if chosen.no_history else _history(url, chosen.history_series, chosen.history_days)
    if not chosen.no_foreign:
        _foreign()
    print("\nwhat is asked", *_verdicts(steps, history), sep="\n")


def _steps(url: str, sizes: Sequence[int], steps: int) -> list[Row]:
    print(f"{'series':>8} {'published':>16} {'read':>7} {'model':>7} {'publish':>8} {'scrape':>7} "
          f"{'step':>7} {'µs/series':>10} {'peak':>8}   processor seconds of a step")  # fmt: skip
    rows = []
    for series, horizons in [*((size, 0) for size in sizes), (max(sizes), 1)]:
        rows.append(_child("step", url, str(series), str(horizons), str(steps), what=f"{series} series"))
        row = rows[-1]
        print(f"{row['series']:>8,} {row['published']:>16} {row['read']:>7.3f} {row['model']:>7.3f} "
              f"{row['publish']:>8.3f} {row['scrape']:>7.3f} {row['step']:>7.3f} "
              f"{row['step'] / row['series'] * 1e6:>10.1f} {row['peak'] / 1e6:>5,.0f} MB", flush=True)  # fmt: skip
    return rows


def _history(url: str, series: int, days: int) -> Row:
    row = _child("history", url, str(series), str(days), what="history")
    print(f"\nhistory, {series:,} series × {days} days at 5 min: {row['samples'] / 1e6:.1f} M samples")
    print(f"  exporter, HTTP included     {row['ours'] / 1e6:>6.2f} M samples/s, {row['seconds']:.1f} s, "
          f"peak {row['peak'] / 1e6:,.0f} MB")  # fmt: skip
    print(f"  MetricRangeDataFrame        {row['theirs'] / 1e6:>6.2f} M samples/s "
          f"({row['cut']:,} of the series, parsing alone)", flush=True)  # fmt: skip
    return row


def _foreign() -> None:
    print(f"\n{'model, one series at a time':<28} {'fit + predict':>14}   milliseconds per series and step")
    for name, milliseconds in _child("foreign", what="sktime's models").items():
        shown = f"{milliseconds:>14.2f}" if milliseconds is not None else "not installed".rjust(14)
        print(f"{name:<28} {shown}", flush=True)


def _verdicts(steps: Sequence[Row], history: Row) -> Iterator[str]:
    plain = {row["series"]: row for row in steps if row["published"] == "score"}
    wide = {row["series"]: row for row in steps if row["published"] != "score"}
    if LARGE in plain:
        yield _verdict("100,000 series, score: seconds of a step", plain[LARGE]["step"], STEP_SECONDS)
        yield _verdict("100,000 series, score: peak, MB", plain[LARGE]["peak"] / 1e6, LARGE_BYTES / 1e6)
    if LARGE in wide:
        yield _verdict("100,000 series, band and horizon: seconds", wide[LARGE]["step"], STEP_WITH_HORIZON_SECONDS)
    if MIDDLE in plain:
        yield _verdict("10,000 series: peak, MB", plain[MIDDLE]["peak"] / 1e6, MIDDLE_BYTES / 1e6)
    if len(plain) > 1:
        fewest, most = min(plain), max(plain)
        ratio = plain[most]["step"] / most / (plain[fewest]["step"] / fewest)
        yield _verdict(f"cost per series at {most:,} over {fewest:,}", ratio, COST_RATIO)
    if history:
        yield _verdict(
            "history: time over MetricRangeDataFrame's", history["theirs"] / history["ours"], 1 / TIMES_FASTER
        )


def _verdict(what: str, measured: float, asked: float) -> str:
    return f"  {what:<44} {measured:>9.2f}  asked ≤ {asked:<8.4g} {'ok' if measured <= asked else 'MISSED'}"


def _child(*arguments: str, what: str) -> Row:
    """What a measurement in a process of its own found."""
    if sys.stderr.isatty():
        print(f"\r\033[K… {what}", end="", file=sys.stderr, flush=True)
    command = [sys.executable, "-W", "ignore", "-m", "bench.exporter_cases", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: Row = json.loads(told.splitlines()[-1])  # above it stands the log
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return found


@contextmanager
def server() -> Iterator[str]:
    """The address of a server that is there as long as the block."""
    command = [sys.executable, "-m", "bench.exporter_server", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


if __name__ == "__main__":
    main()
