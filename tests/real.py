"""The real Prometheus and Alertmanager binaries that `make tools` leaves in `.tools/`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"current": ROOT / ".tools/bin", "oldest": ROOT / ".tools/oldest/bin"}


@dataclass(frozen=True)
class Binaries:
    """A Prometheus and an Alertmanager that belong together: the `current` or the `oldest` pair."""

    name: str
    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path


def find() -> list[Binaries]:
    """The pairs that are complete, the current one first."""
    pairs = (
        Binaries(
            name=name,
            prometheus=folder / "prometheus",
            promtool=folder / "promtool",
            alertmanager=folder / "alertmanager",
            amtool=folder / "amtool",
        )
        for name, folder in FOLDERS.items()
    )
    return [pair for pair in pairs if all(os.access(binary, os.X_OK) for binary in _binaries(pair))]


def pair(name: str) -> Binaries:
    """The pair of that name; without it the test is skipped, or fails where TOCSIN_REQUIRE_REAL=1."""
    found = {binaries.name: binaries for binaries in find()}
    if name not in found:
        unavailable(f"no {name} Prometheus and Alertmanager in {FOLDERS[name]}: make tools")
    return found[name]


def _binaries(pair: Binaries) -> tuple[Path, ...]:
    return pair.prometheus, pair.promtool, pair.alertmanager, pair.amtool


def unavailable(reason: str) -> NoReturn:
    """Skips the test, or fails it where TOCSIN_REQUIRE_REAL=1."""
    if os.environ.get("TOCSIN_REQUIRE_REAL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
