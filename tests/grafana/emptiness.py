"""Which panels of a dashboard show nothing."""

from __future__ import annotations

import json
import math
from typing import Any

from grafana.source.files import FOLDER
from grafana.source.preview.asking import Answer
from grafana.source.preview.render import Drawn


def read(name: str) -> dict[str, Any]:
    """The dashboard of this name, as it ships."""
    dashboard: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return dashboard


def empty(dashboard: Drawn) -> set[str]:
    """The titles, as the source has them, of panels without a single number; of those that repeat, without any."""
    told: dict[str, bool] = {}
    for placed, found in dashboard.panels:
        if placed.panel["type"] != "row":
            title = placed.panel["title"]
            told[title] = told.get(title, False) or any(map(_tells, found))
    return {title for title, shown in told.items() if not shown}


def _tells(answer: Answer) -> bool:
    return any(math.isfinite(value) for curve in answer.curves for value in curve.values)
