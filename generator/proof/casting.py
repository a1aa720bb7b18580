"""From settings at which an alert fires and does not to cases: series, and the evaluations at which they show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from generator.proof import natives
from generator.proof.case import Case
from generator.proof.dials import ABSENT, ALWAYS, Board, Dial
from generator.proof.notation import series_name, values
from generator.proof.search import Flip
from generator.proof.timing import Judged, spells
from generator.proof.vectors import NATIVE, Numbers
from generator.proof.worlds import Worlds, stepped
from tocsin import duration

LONGEST_CHANGE = 400  # evaluations of a case that begins in quiet; a longer one begins as it goes on
BEFORE = 3  # evaluations that are looked at before the condition holds
AFTER = 3  # evaluations that a case goes on after what it shows
MOST_SILENT = 3  # cases


@dataclass(frozen=True, slots=True)
class Casting:
    """`settled` is after how many evaluations a world that does not change gives what it gives for good."""

    board: Board
    judged: Judged
    settled: int
    step: float

    def cases(self, flip: Flip, others: Callable[[], Sequence[Flip]]) -> tuple[Case, ...]:
        """A case that fires, one that is silent, those in which something else keeps it so, and how firing ends.

        None if the two settings of the flip do not show it. `others` are other changes from where it fires, asked for
        if it does.
        """
        for exact in (False, True):
            found = self._of(flip, exact=exact)
            if found:
                return (*found, *self._silent(others(), found, exact=exact), *self._ending(flip, exact=exact))
        return ()

    def always(self, setting: Numbers) -> tuple[Case, ...]:
        """The one case of an alert that nothing keeps from firing."""
        found = self._begun("fires", self._worlds(setting), exact=False)
        return (found,) if found else ()

    @property
    def _steady(self) -> int:
        return self.settled + self.judged.hold + AFTER

    def _of(self, flip: Flip, *, exact: bool) -> list[Case]:
        fires, silent = self._worlds(flip.fires), self._worlds(flip.silent)
        quiet = self._quiet(f"silent: {self._told(flip, flip.silent)}", silent, exact=exact)
        if quiet is None:
            return []
        name = f"fires: {self._told(flip, flip.fires)}"
        found = self._changing(name, silent, fires, exact=exact)
        if found is None or not found.silent:
            found = self._begun(name, fires, exact=exact) or found
        return [found, quiet] if found else []

    def _changing(self, name: str, before: Worlds, after: Worlds, *, exact: bool) -> Case | None:
        """A case that begins in quiet, and turns when that has shown."""
        evaluations = 2 * self.settled + self.judged.hold + AFTER
        if evaluations > LONGEST_CHANGE:
            return None
        moment = int(np.ceil(self.settled * self.judged.interval / self.step))
        world = stepped(before, after, moment, self.board.counters)
        return None if world is None else self._fired(name, world, range(evaluations), exact=exact)

    def _begun(self, name: str, world: Worlds, *, exact: bool) -> Case | None:
        """A case that goes on as it began: what it takes to fire is time."""
        onset = self.judged.onset(world, self.settled)
        looked = range(max(0, onset - BEFORE), onset + self.judged.hold + AFTER + BEFORE)
        return self._fired(name, world, looked, exact=exact)

    def _fired(self, name: str, world: Worlds, looked: range, *, exact: bool) -> Case | None:
        fires, silent = self.judged.surely(world, looked, exact=exact)
        if looked.start and not silent[0, 0]:
            return None
        for start, end in spells(fires[0])[:1]:
            last = min(start + 1, end - 1)
            before = np.flatnonzero(silent[0, :start])
            shown = tuple(self._time(looked[one]) for one in dict.fromkeys((start, last)))
            quiet = (self._time(looked[int(before[-1])]),) if len(before) else ()
            return Case(name, self._series(world, looked[last] + AFTER), self._step, shown, quiet)
        return None

    def _silent(self, others: Sequence[Flip], known: Sequence[Case], *, exact: bool) -> Iterator[Case]:
        """Cases in which something else is what keeps the alert silent."""
        names = {case.name for case in known}
        for flip in others if self._steady <= LONGEST_CHANGE else ():
            name = f"silent: {self._told(flip, flip.silent)}"
            found = None if name in names else self._quiet(name, self._worlds(flip.silent), exact=exact)
            if found is not None and len(names) <= MOST_SILENT:
                names.add(name)
                yield found

    def _quiet(self, name: str, world: Worlds, *, exact: bool) -> Case | None:
        end = self._steady
        looked = range(end if end <= LONGEST_CHANGE else self.judged.hold + 2 * AFTER)
        looked = range(end - len(looked), end)
        _, silent = self.judged.surely(world, looked, exact=exact)
        if not silent.all():
            return None
        times = tuple(self._time(one) for one in (end - AFTER, end - 1))
        return Case(name, self._series(world, end), self._step, (), times)

    def _ending(self, flip: Flip, *, exact: bool) -> Iterator[Case]:
        """How long it goes on firing when the condition has ended, where the rule says so."""
        judged = self.judged
        moment = int(np.ceil(self._steady * judged.interval / self.step))
        evaluations = self._steady + self.settled + judged.keep + AFTER
        if not judged.keep or evaluations > LONGEST_CHANGE:
            return
        world = stepped(self._worlds(flip.fires), self._worlds(flip.silent), moment, self.board.counters)
        if world is None:
            return
        fires, silent = judged.surely(world, range(evaluations), exact=exact)
        for _, end in spells(fires[0]):
            if end < evaluations and silent[0, end:].all():
                times = (self._time(end - 1),), (self._time(end),)
                yield Case("goes on firing for a while", self._series(world, end + AFTER), self._step, *times)

    def _worlds(self, setting: Numbers) -> Worlds:
        return self.board.worlds(setting[:, None], self._samples(self.settled))

    def _samples(self, evaluations: int) -> int:
        return int(np.ceil(evaluations * self.judged.interval / self.step)) + 1

    def _series(self, world: Worlds, evaluations: int) -> dict[str, str]:
        samples = self._samples(evaluations)
        plain, parts = {}, dict[str, dict[str, int]]()
        for row, labels in enumerate(self.board.labels):
            if NATIVE in labels:
                parts.setdefault(series_name(natives.without_part(labels)), {})[labels[NATIVE]] = row
            else:
                plain[series_name(labels)] = values(world, row, 0, samples)
        histograms = {name: natives.notation(world, rows, samples) for name, rows in parts.items()}
        return {name: text for name, text in {**plain, **histograms}.items() if text}

    @property
    def _step(self) -> timedelta:
        return timedelta(seconds=self.step)

    def _time(self, evaluation: int) -> timedelta:
        return timedelta(seconds=evaluation * self.judged.interval)

    def _told(self, flip: Flip, setting: Numbers) -> str:
        return told(self.board.dials[flip.dial], float(setting[flip.dial]), self._step)


def told(dial: Dial, value: float, step: timedelta) -> str:
    """A dial's value, in words."""
    shown = f"{value:g}"
    words = {
        "level": f"at {shown}",
        "pace": f"by {shown} in {duration.show(step)}",
        "share": f"at {shown} times what it was",
        "period": f"changing every {shown} samples" if value else "unchanging",
        "presence": {ALWAYS: "there", ABSENT: "absent"}.get(int(value), "at times absent"),
        "alike": f"with {shown} of {len(dial.rows)} series so",
        "count": f"with {shown} series",
        "place": f"around {shown}",
        "moment": f"{shown} samples ago",
    }
    return f"{dial.part} {words[dial.kind]}".strip()
