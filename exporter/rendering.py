"""Samples as the lines of Prometheus's text format, quickly: what does not change is rendered once.

Lines and numbers are written as prometheus_client writes them, so that one block serves all versions of the format.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, compress, repeat

import msgspec
import numpy as np
from prometheus_client.utils import floatToGoString

from exporter.frame import Bools, Floats
from exporter.labelling import Prefixes
from exporter.names import label
from exporter.publishing import breach, drifts, forecasts, group_scores, scores, threshold
from exporter.publishing.samples import Samples

FAMILIES: Mapping[str, str] = {  # in the order of the page
    **scores.FAMILIES,
    **forecasts.FAMILIES,
    **threshold.FAMILIES,
    **breach.FAMILIES,
    **drifts.FAMILIES,
    **group_scores.FAMILIES,
}


def lines(samples: Samples, rows: Prefixes, shown: Bools) -> bytes:
    """One line for each row that is shown and has a number: its parts are laid side by side, then joined at once."""
    there = ~np.isnan(samples.values) & shown
    count = int(np.count_nonzero(there))
    if not count:
        return b""
    ours = _ours(samples, rows)
    fixed = _fixed(samples, ours)
    parts: list[bytes] = [b""] * (count * 2 * len(fixed))
    every = len(fixed) * 2
    for at, text in enumerate(fixed):
        parts[2 * at :: every] = repeat(b"\n" + text if at == 0 else text, count)
    for at, texts in enumerate(rows.texts(tuple(ours))):
        parts[2 * at + 1 :: every] = texts if count == len(there) else compress(texts, there)
    parts[every - 1 :: every] = numbers(samples.values[there])
    return b"".join(parts)[1:] + b"\n"


def names(samples: Samples, rows: Prefixes) -> list[bytes]:
    """What stands before the number in each row's line, whether it is shown or not."""
    ours = _ours(samples, rows)
    *fixed, end = _fixed(samples, ours)
    between = zip(*rows.texts(tuple(ours)), strict=True)
    return [b"".join(chain.from_iterable(zip(fixed, texts, strict=True))) + end for texts in between]


def _ours(samples: Samples, rows: Prefixes) -> Mapping[str, str]:
    """The labels beside a row's own, in the order of their names."""
    return dict(sorted({**samples.extra, "query": rows.query}.items()))


def _fixed(samples: Samples, ours: Mapping[str, str]) -> list[bytes]:
    """The texts that are the same in every line; a row's own stand between them."""
    return [f"{samples.family}{{".encode(), *(label(*pair).encode() for pair in ours.items()), b"} "]


def numbers(values: Floats) -> list[bytes]:
    """Numbers as prometheus_client writes them."""
    texts = msgspec.json.encode(values.tolist())[1:-1].split(b",")
    size = np.abs(values)
    large = (values >= 1e6) & (values < 1e15)
    for at in np.flatnonzero(large).tolist():
        texts[at] = _with_exponent(texts[at])
    for at in np.flatnonzero(~large & ((size >= 1e6) | ((size < 1e-4) & (size > 0)))).tolist():
        texts[at] = floatToGoString(values[at]).encode()  # type: ignore[no-untyped-call]
    return texts


def _with_exponent(text: bytes) -> bytes:
    """1234567.5 as Go has it: 1.2345675e+06."""
    point = text.index(b".")
    return (text[:1] + b"." + text[1:point] + text[point + 1 :]).rstrip(b"0.") + b"e+%02d" % (point - 1)


def heads(*, openmetrics: bool = False) -> dict[str, bytes]:
    """What stands above each family's lines; a name that ends in `_total` is a counter's."""
    found = {}
    for family in FAMILIES:
        counter = family.endswith("_total")
        name = family.removesuffix("_total") if openmetrics else family
        kind = "counter" if counter else "gauge"
        found[family] = f"# HELP {name} {FAMILIES[family]}\n# TYPE {name} {kind}\n".encode()
    return found
