"""Dashboards and the files they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source import loop

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"
DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {"loop": loop.dashboard}  # one line for each


def text(dashboard: Dashboard) -> str:
    """A dashboard as its file holds it: the same bytes whenever the source is the same."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes every dashboard, and returns the files."""
    made = {folder / f"{name}.json": make() for name, make in DASHBOARDS.items()}
    for path, dashboard in made.items():
        path.write_text(text(dashboard), encoding="utf-8")
    return list(made)
