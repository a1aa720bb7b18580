"""Scores and forecasts as Prometheus's text format 0.0.4, quickly: what does not change is rendered once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exporter.frame import Floats
from exporter.reading import Key

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # what this format can write
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
OURS = ("query", "horizon")  # a source's label of this name is renamed, as Prometheus renames on scraping

FAMILIES: Mapping[str, str] = {
    "tocsin_anomaly_score": "How unusual the newest value of a series is; above 1 is anomalous.",
    "tocsin_forecast": "What a series is expected to be after the horizon; 0s is the expectation for now.",
    "tocsin_forecast_lower": "The lower bound of the forecast.",
    "tocsin_forecast_upper": "The upper bound of the forecast.",
}


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The labels of each row as they are published, without the closing brace; None where left out."""

    rows: Sequence[str | None] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # by reason


def prefixes(keys: Sequence[Key], query: str) -> Prefixes:
    """What the rows are called when published; series that would carry one name are all left out."""
    rendered = [_labels(key, query) for key in keys]
    often = Counter(rendered)
    rows = [text if text is not None and often[text] == 1 else None for text in rendered]
    unwritable = rendered.count(None)
    left_out = {"label_name": unwritable, "collision": rows.count(None) - unwritable}
    return Prefixes(rows, left_out)


def _labels(key: Key, query: str) -> str | None:
    shown = [(name, value) for name, value in key if not name.startswith("__")]  # Prometheus's own, gone on scraping
    pairs = [(f"exported_{name}" if name in OURS else name, value) for name, value in shown]
    names = {name for name, _ in pairs}
    if len(names) < len(pairs) or not all(LABEL_NAME.fullmatch(name) for name in names):
        return None
    return "{" + ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in [*pairs, ("query", query)])


def block(family: str, rows: Prefixes, values: Floats, *, horizon: str = "") -> bytes:
    """One family's lines; a value that is not a number is no line. `values` has the shape (series,)."""
    end = f',horizon="{horizon}"}} ' if horizon else "} "
    lines = [
        f"{family}{labels}{end}{value!r}\n"
        for labels, value in zip(rows.rows, values.tolist(), strict=True)
        if labels is not None and value - value == 0.0
    ]
    return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished step of one query: each family's lines, fresh until `expires` (Unix seconds)."""

    blocks: Mapping[str, bytes]
    expires: float
    series: int = 0


def page(snapshots: Sequence[Snapshot], now: float) -> bytes:
    """The whole answer to a scrape: each family once, with the lines of every query that is still fresh."""
    fresh = [snapshot for snapshot in snapshots if snapshot.expires > now]
    parts = []
    for family, help_text in FAMILIES.items():
        lines = [snapshot.blocks[family] for snapshot in fresh if snapshot.blocks.get(family)]
        if lines:
            parts += [f"# HELP {family} {help_text}\n# TYPE {family} gauge\n".encode(), *lines]
    return b"".join(parts)
