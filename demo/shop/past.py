"""`python -m demo.shop.past DIR`: two weeks of the shop as OpenMetrics, and the totals from which it goes on.

    python -m demo.shop.past DIR [--days 14] [--end UNIX] [--step SECONDS] [--fault NAME@BEGIN[/END]]...

BEGIN and END are Unix times or, with a sign, so many seconds before the end of the past: `disk-filling@-10800`.
Others call `make(end, days=…, faults=[Fault("error-burst", begin, end)], step=60)` and `write(folder, past)`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo.shop.faults import COURSES, Fault
from demo.shop.rhythm import Floats
from demo.shop.series import Made, Rows, Series, gauge
from demo.shop.simulation import Stretch
from demo.shop.targets import BESIDE, EVERYWHERE, RECENT_SECONDS, SELDOM, STEPS, TARGETS, USUAL, Part, Target
from demo.shop.text import write_openmetrics

DAYS = 14
MOST_DAYS = 120
SAMPLES = "shop.om"
TOTALS = "shop.json"
UP = gauge("up", "Whether the last scrape succeeded.")


@dataclass(frozen=True, slots=True)
class Page:
    """Some series of a target at Unix times, shape (steps,): counters summed up, NaN where there was no sample."""

    labels: Mapping[str, str]
    times: Floats
    rows: Rows
    target: Target | None = None  # of `up` there is none

    def first(self, steps: int) -> Page:
        """Only its first steps."""
        return Page(self.labels, self.times[:steps], {one: v[:steps] for one, v in self.rows.items()}, self.target)


Past = Sequence[Page]


def make(
    end: float,
    *,
    days: float = DAYS,
    seed: int = 1,
    faults: Sequence[Fault] = (),
    step: int | None = None,
    targets: Sequence[Target] = TARGETS,
) -> Past:
    """The so many days before a Unix time, with faults in them.

    Args:
        step: seconds between two samples of every series, if not those that each part of a target asks for.
            For measuring with windows below 5 minutes, say 60.
    """
    rng = np.random.default_rng(seed)
    begin = int(end - days * 86_400)
    grids = {
        each: _times(begin, int(end), each) if step is None else np.arange(begin, int(end), step) for each in STEPS
    }
    stretches = {each: _stretch(grid.astype(float), rng, faults) for each, grid in grids.items()}
    usual = stretches[USUAL].times
    pages = [page for one in targets for part in one.parts for page in _pages(one, part, stretches[part.step], usual)]
    return [*pages, *_ups(stretches[SELDOM].times, targets)]


def _times(begin: int, end: int, step: int) -> NDArray[np.int64]:
    """Each step; of what is told as usual, every other one where it is long ago."""
    if step != USUAL:
        return np.arange(begin, end, step)
    recent = begin + max(end - begin - RECENT_SECONDS, 0) // (2 * step) * 2 * step
    return np.concatenate((np.arange(begin, recent, 2 * step), np.arange(recent, end, step)))


def _stretch(times: Floats, rng: np.random.Generator, faults: Sequence[Fault]) -> Stretch:
    return Stretch(times, np.diff(times, prepend=2 * times[0] - times[1]), rng, faults)


def _pages(target: Target, part: Part, stretch: Stretch, usual: Floats) -> Iterator[Page]:
    """A part's series, and apart from them those that are told less often."""
    rows = _told(target, stretch, _summed(stretch, part.make(stretch)))
    fewer = np.isin(stretch.times, usual)
    yield Page(target.labels, stretch.times, {s: v for s, v in rows.items() if s.family not in part.usual}, target)
    if part.usual:
        thinned = {series: values[fewer] for series, values in rows.items() if series.family in part.usual}
        yield Page(target.labels, stretch.times[fewer], thinned, target)


def _ups(times: Floats, targets: Sequence[Target]) -> Iterator[Page]:
    own = [{"job": job, "instance": instance, **EVERYWHERE} for job, instance in BESIDE]
    for labels in [target.labels for target in targets] + own:
        yield Page(labels, times, {UP(): np.ones_like(times)})


def _summed(stretch: Stretch, made: Made) -> dict[Series, Floats]:
    rows = {}
    for series, values in made:
        every = np.broadcast_to(np.asarray(values, dtype=float), stretch.times.shape)
        rows[series] = np.cumsum(every).round(3) if series.family.adds else every
    return rows


def _told(target: Target, stretch: Stretch, rows: Rows) -> Rows:
    """Without the samples of the time in which it tells nothing."""
    if not target.dies_of or not (silent := stretch.wrong(target.dies_of) > 0).any():
        return rows
    return {series: np.where(silent, np.nan, values) for series, values in rows.items()}


def write(folder: Path, past: Past) -> int:
    """Writes both files; returns the number of samples."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = write_openmetrics(folder / SAMPLES, [(page.labels, page.times, page.rows) for page in past])
    totals: dict[str, list[object]] = {}
    for page in past:
        if page.target:
            totals.setdefault(page.target.page, []).extend(_totals(page.rows))
    at = max(page.times[-1] for page in past)
    (folder / TOTALS).write_text(json.dumps({"at": at, "totals": totals}), encoding="utf-8")
    return samples


def _totals(rows: Rows) -> Iterator[object]:
    for series, values in rows.items():
        known = values[~np.isnan(values)]
        if series.family.adds and len(known):
            yield [series.family.name, series.suffix, series.labels, known[-1]]


def main() -> None:
    arguments = _arguments()
    if (arguments.folder / TOTALS).exists():
        # Twice, the same counters would count two different pasts.
        (arguments.folder / SAMPLES).write_text("# EOF\n", encoding="ascii")
        print("the past is there already")
        return
    past = make(arguments.end, days=arguments.days, faults=arguments.faults, step=arguments.step)
    samples = write(arguments.folder, past)
    print(f"{samples:,} samples of {sum(len(page.rows) for page in past)} series over {arguments.days:g} days")


def fault(text: str, end: float) -> Fault:
    """`NAME@BEGIN[/END]`: a negative time is so many seconds before the end of the past.

    Raises:
        ValueError: it is none.
    """
    name, _, during = text.partition("@")
    begin, _, until = during.partition("/")
    if name not in COURSES:
        raise ValueError(f"there is no fault {name!r}; these are: {', '.join(COURSES)}")
    try:
        times = [float(word) + (end if float(word) < 0 else 0) for word in (begin, until) if word]
    except ValueError:
        times = []
    if not 1 <= len(times) <= 2 or times != sorted(times) or not all(map(math.isfinite, times)):
        raise ValueError(f"{text!r}: NAME@BEGIN or NAME@BEGIN/END, Unix times or -SECONDS before the end")
    return Fault(name, *times)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.shop.past", description="Two weeks of the shop's metrics.")
    parser.add_argument("folder", type=Path, help=f"where {SAMPLES} and {TOTALS} are written")
    parser.add_argument("--days", type=float, default=DAYS)
    parser.add_argument("--end", type=float, default=time.time(), metavar="UNIX", help="when it ends; default: now")
    parser.add_argument("--step", type=int, metavar="SECONDS", help="between two samples, of every series")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME@BEGIN[/END]", help="what went wrong; may be repeated"
    )
    arguments = parser.parse_args()
    if not 0 < arguments.days <= MOST_DAYS or not 1 <= (arguments.step or 1) <= 3600 or not arguments.end > 0:
        parser.error(f"--days: up to {MOST_DAYS}; --step: 1 to 3600 seconds; --end: a Unix time")
    try:
        arguments.faults = [fault(text, arguments.end) for text in arguments.fault]
    except ValueError as error:
        parser.error(str(error))
    return arguments


if __name__ == "__main__":
    main()
