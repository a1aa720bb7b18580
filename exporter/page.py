"""The whole answer to a scrape, in the format that was asked for, out of what was rendered and compressed before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

from prometheus_client.exposition import choose_encoder

from exporter.compressed import Part, part
from exporter.labelling import Prefixes, prefixes
from exporter.publishing.samples import Samples
from exporter.rendering import FAMILIES, heads, lines

PLAIN_TEXT = "text/plain; version=0.0.4; charset=utf-8"
EOF = b"# EOF\n"


@dataclass(frozen=True, slots=True)
class Format:
    """How a page is written; `wide`: UTF-8 label names may stand in it."""

    content_type: str = PLAIN_TEXT
    openmetrics: bool = False
    wide: bool = False


PLAINEST = Format()


def format_for(accept: str) -> Format:
    """What a scraper asked for in `Accept`, as prometheus_client understands it."""
    content_type = choose_encoder(accept)[1]
    kind, wide = content_type.split(";")[0], "escaping=allow-utf-8" in content_type
    return Format(content_type, kind == "application/openmetrics-text", wide)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished step of one query: each family's lines, fresh until `expires` (Unix seconds).

    `wide` are the lines that only some scrapers can read.
    """

    blocks: Mapping[str, Sequence[Part]]
    expires: float
    series: int = 0
    wide: Mapping[str, Sequence[Part]] = field(default_factory=dict)


def snapshot(found: Iterable[Samples], rows: Prefixes, *, expires: float, series: int = 0) -> Snapshot:
    """What is handed out of these samples, compressed once."""
    plain, wide = dict[str, list[Part]](), dict[str, list[Part]]()
    for samples in found:
        of = rows if samples.keys is None else prefixes(samples.keys, rows.query)
        for blocks, shown in ((plain, of.plain), (wide, of.wide)):
            if shown.any() and (text := lines(samples, of, shown)):
                blocks.setdefault(samples.family, []).append(part(text))
    return Snapshot(plain, expires, series, wide)


@cache
def _heads(openmetrics: bool) -> Mapping[str, Part]:
    return {family: part(head) for family, head in heads(openmetrics=openmetrics).items()}


@cache
def _end() -> Part:
    return part(EOF)


def page(snapshots: Sequence[Snapshot], now: float, form: Format = PLAINEST) -> list[Part]:
    """Each family once, with the lines of every query that is still fresh."""
    fresh = [snapshot for snapshot in snapshots if snapshot.expires > now]
    parts: list[Part] = []
    for family in FAMILIES:
        blocks = [snapshot.blocks.get(family, ()) for snapshot in fresh]
        if form.wide:
            blocks += [snapshot.wide.get(family, ()) for snapshot in fresh]
        if any(blocks):
            parts += [_heads(form.openmetrics)[family], *chain.from_iterable(blocks)]
    return [*parts, _end()] if form.openmetrics else parts
