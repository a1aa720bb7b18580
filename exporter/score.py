"""A CSV through the same model as everything else: one line is one column, scored before the next is looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from exporter import csvfile
from exporter.csvfile import Row
from exporter.frame import Frame
from exporter.models.interest import Interest
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState

FIRST_STEP_SECONDS = 300.0  # until the second line tells
REPORTED_FROM = 0.53  # weaker events are written down, too, so that a file's reader may set a bar of his own
SHOWN = 5  # lines out of order that the warning names


def score_file(source: Path, target: Path) -> str:
    """Scores `source` into `target`; returns a warning, or an empty text.

    Raises:
        InputError: the input cannot be used; nothing is written.
        TocsinError: the output cannot be written.
    """
    rows = csvfile.read(source)
    csvfile.write(target, score(rows))
    disordered = csvfile.out_of_order(rows)
    if not disordered:
        return ""
    named = ", ".join(str(line) for line in disordered[:SHOWN]) + (", …" if len(disordered) > SHOWN else "")
    return f"{source}: {len(disordered)} times are not after the line before (lines {named}); scored in file order"


def score(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """The output's lines, each from its own and earlier lines alone."""
    model, state = Seasonal(interest=Interest(report=REPORTED_FROM)), SeasonalState.fresh(1, FIRST_STEP_SECONDS)
    step = _Step()
    for row in rows:
        frame = Frame(np.array([[row.value]]), ({},), row.when, step.after(row.when))
        state, scores = model.update(state, frame)
        each = (scores.score, scores.expected, scores.lower, scores.upper, scores.event)
        score, *band, event = (float(array[0, 0]) for array in each)
        shown = 0.0 if math.isnan(score) else score  # a missing value is no evidence
        yield row.timestamp, row.text, *(_show(number) for number in (shown, *band, event))


class _Step:
    """The usual distance of lines, from those seen so far: moves a little towards each new one (a running median)."""

    def __init__(self) -> None:
        self._seconds, self._last = math.nan, math.nan

    def after(self, when: float) -> float:
        """The usual step in seconds, now that a line stands at `when`."""
        gap, self._last = when - self._last, when
        if gap > 0:
            known = self._seconds if self._seconds > 0 else gap
            self._seconds = known * min(max(gap / known, 0.8), 1.25)
        return self._seconds if self._seconds > 0 else FIRST_STEP_SECONDS


def _show(number: float) -> str:
    return "NaN" if math.isnan(number) else f"{number:.6g}"
