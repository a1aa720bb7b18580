"""A build made, or found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from generator.cache.key import key
from generator.cache.store import read, write
from generator.outcome import Outcome
from tocsin.problem import has_errors


def remembered(paths: Sequence[Path], options: Mapping[str, str], where: Path, make: Callable[[], Outcome]) -> Outcome:
    """What `make` came to when everything was as it is now; made and kept where it is not known.

    Outcomes with errors are not kept, nor is one whose inputs changed meanwhile.
    """
    before = key(paths, options)
    found = read(where, before)
    if found is not None:
        return found
    outcome = make()
    if not has_errors(outcome.problems) and key(paths, options) == before:
        write(where, before, outcome)
    return outcome
