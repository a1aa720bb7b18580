"""Rulepacks built for a place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from generator import version
from generator.load import begin
from generator.outcome import Outcome
from generator.pipeline import build_packs
from generator.targets import TARGETS
from tocsin.errors import UsageError


def built(paths: Sequence[Path], target: str, prometheus_version: str) -> Outcome:
    """What `tocsin rules build --target` would write.

    Raises:
        UsageError: a path does not exist, there is no such target, or the version is none.
    """
    if target not in TARGETS:
        raise UsageError(f"--target: {target!r} is none of {', '.join(TARGETS)}")
    try:
        oldest = version.parse(prometheus_version)
    except ValueError as error:
        raise UsageError(f"--prometheus-version: {error}") from None
    return build_packs(begin(paths), partial(TARGETS[target], version=oldest))
