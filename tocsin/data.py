"""Where the data that ships lies: packs and dashboards, in the wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import TocsinError


def folder(name: str) -> Path:
    """The folder `rulepacks` or `grafana`: `tocsin/_data/` in a wheel, the repository's root in a checkout.

    Raises:
        TocsinError: neither holds it; the installation is broken.
    """
    here = Path(__file__).resolve().parent
    for place in (here / "_data" / name, here.parent / name):
        if place.is_dir():
            return place
    raise TocsinError(f"{name}: not found beside {here}; reinstall tocsin")
