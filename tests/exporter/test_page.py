"""What is handed out, in each format: as prometheus_client would write it."""

from __future__ import annotations

import gzip
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.compressed import combined, gzipped, part, plain
from exporter.labelling import prefixes
from exporter.names import Key, key_of
from exporter.page import format_for, page, snapshot
from exporter.publishing.samples import Samples
from exporter.rendering import FAMILIES
from exporter.web import wants_gzip

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("query", "horizon")
)
NAMES = PLAIN_NAMES | st.sampled_from(["größe", "a.b", "0", 'quo"te', "back\\slash", "zu"])
KEYS = st.lists(st.dictionaries(NAMES, TEXT, max_size=4).map(key_of), max_size=5, unique=True)
VALUES = st.floats() | st.sampled_from([0.0, -0.0, 1e6, 999999.5, 1234567.0, 1e16, 1e-4, 9e-5, -1e7, 1e21, 5e-324])
ACCEPTS = {
    "nothing": "",
    "Prometheus 2": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Prometheus 3": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3",
    "text of today": "text/plain;version=1.0.0;escaping=allow-utf-8",
    "text of old": "text/plain;version=0.0.4",
    "underscores": "application/openmetrics-text;version=1.0.0;escaping=underscores",
}


class Collected(Collector):
    """The same samples as prometheus_client's own objects."""

    def __init__(self, families: dict[str, list[tuple[dict[str, str], float]]]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        found: list[Metric] = []
        for name, samples in self._families.items():
            family = GaugeMetricFamily(name, FAMILIES[name])
            for labels, value in samples:
                family.add_sample(name, labels, value)
            found.append(family)
        return found


def legacy(key: Key) -> bool:
    return all(name.isascii() and name.isidentifier() for name, _ in key)


@pytest.mark.parametrize("accept", ACCEPTS.values(), ids=ACCEPTS)
@given(keys=KEYS, values=st.lists(VALUES, min_size=5, max_size=5))
def test_as_prometheus_client_writes_it(accept: str, keys: list[Key], values: list[float]) -> None:
    """Byte for byte, content type included; what is absent is NaN, and names that the format cannot write."""
    known = values[: len(keys)]
    form = format_for(accept)
    samples = [Samples("tocsin_anomaly_score", np.array(known))]
    samples += [Samples("tocsin_forecast", np.array(known), {"horizon": horizon}) for horizon in ("0s", "1h")]
    text = plain(page([snapshot(samples, prefixes(keys, "q"), expires=1)], 0, form))
    there = [(dict(key), value) for key, value in zip(keys, known, strict=True) if not math.isnan(value)]
    there = [row for row in there if legacy(key_of(row[0]))] + [
        row for row in there if form.wide and not legacy(key_of(row[0]))
    ]
    meant: dict[str, list[tuple[dict[str, str], float]]] = {}
    for labels, value in there:
        meant.setdefault("tocsin_anomaly_score", []).append((labels | {"query": "q"}, value))
    for wide in (False, True):
        for horizon in ("0s", "1h"):
            for labels, value in there:
                if legacy(key_of(labels)) is not wide:
                    ours = {"query": "q", "horizon": horizon}
                    meant.setdefault("tocsin_forecast", []).append((labels | ours, value))
    registry = CollectorRegistry()
    registry.register(Collected(meant))
    encode, content_type = choose_encoder(accept)
    assert form.content_type == content_type
    assert text == encode(registry)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_gzip_of_parts(texts: list[bytes]) -> None:
    """Parts that were compressed each for itself are one gzip stream, which every reader takes."""
    packed = gzipped([part(text) for text in texts])
    assert gzip.decompress(packed) == b"".join(texts)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)  # reads one stream alone
    assert reader.decompress(packed) == b"".join(texts)
    assert reader.eof


def test_a_checksum_of_two() -> None:
    """The checksum of the whole comes from those of the parts."""
    assert combined(zlib.crc32(b"some"), zlib.crc32(b" bytes" * 999), 6 * 999) == zlib.crc32(b"some" + b" bytes" * 999)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*", True),
        ("identity", False),
        ("br, zstd", False),
    ],
)
def test_gzip_as_asked(asked: str, wanted: bool) -> None:
    """gzip is given to those that take it."""
    assert wants_gzip(asked) is wanted
