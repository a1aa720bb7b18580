"""Scores and forecasts as Prometheus's text format 0.0.4, quickly: what does not change is rendered once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

from exporter.publishing import breach, forecasts, scores, threshold
from exporter.publishing.samples import Samples
from exporter.reading import Key

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # what this format can write
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
OURS = ("query", "horizon")  # a source's label of this name is renamed, as Prometheus renames on scraping

FAMILIES: Mapping[str, str] = {  # in the order of the page
    **scores.FAMILIES,
    **forecasts.FAMILIES,
    **threshold.FAMILIES,
    **breach.FAMILIES,
}


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The labels of each row as they are published, without the closing brace; None where left out."""

    rows: Sequence[str | None] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # by reason


def prefixes(keys: Sequence[Key], query: str, ours: Sequence[str] = OURS) -> Prefixes:
    """What the rows are called when published; series that would carry one name are all left out.

    `ours` are the labels that the query's samples carry beside those of the source.
    """
    rendered = [_labels(key, query, ours) for key in keys]
    often = Counter(rendered)
    rows = [text if text is not None and often[text] == 1 else None for text in rendered]
    unwritable = rendered.count(None)
    left_out = {"label_name": unwritable, "collision": rows.count(None) - unwritable}
    return Prefixes(rows, left_out)


def _labels(key: Key, query: str, ours: Sequence[str]) -> str | None:
    shown = [(name, value) for name, value in key if not name.startswith("__")]  # Prometheus's own, gone on scraping
    pairs = [(f"exported_{name}" if name in ours else name, value) for name, value in shown]
    names = {name for name, _ in pairs}
    if len(names) < len(pairs) or not all(LABEL_NAME.fullmatch(name) for name in names):
        return None
    return "{" + ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in [*pairs, ("query", query)])


def blocks(found: Iterable[Samples], rows: Prefixes) -> dict[str, bytes]:
    """Each family's lines; a value that is not a number is no line."""
    lines: dict[str, list[bytes]] = {}
    for samples in found:
        lines.setdefault(samples.family, []).append(_lines(samples, rows))
    return {family: b"".join(parts) for family, parts in lines.items()}


def _lines(samples: Samples, rows: Prefixes) -> bytes:
    family, extra = (
        samples.family,
        "".join(f',{name}="{value.translate(ESCAPES)}"' for name, value in samples.extra.items()),
    )
    lines = [
        f"{family}{labels}{extra}}} {value!r}\n"
        for labels, value in zip(rows.rows, samples.values.tolist(), strict=True)
        if labels is not None and not isnan(value)
    ]
    return "".join(lines).replace("} inf\n", "} +Inf\n").replace("} -inf\n", "} -Inf\n").encode()


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
