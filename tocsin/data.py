"""Where the data that ships lies: packs, dashboards and runbook pages, in the wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

from tocsin.errors import TocsinError

IN_A_CHECKOUT = {"runbook-pages": "docs/runbooks"}  # where a folder has another name there


def folder(name: str) -> Path:
    """The folder `rulepacks`, `grafana` or `runbook-pages`: `tocsin/_data/` in a wheel, below the root in a checkout.

    Raises:
        TocsinError: neither holds it; the installation is broken.
    """
    here = Path(__file__).resolve().parent
    for place in (here / "_data" / name, here.parent / IN_A_CHECKOUT.get(name, name)):
        if place.is_dir():
            return place
    raise TocsinError(f"{name}: not found beside {here}; reinstall tocsin")
