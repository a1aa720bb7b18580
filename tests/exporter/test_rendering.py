"""What is published, and that it equals prometheus_client's reading of it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.compressed import plain
from exporter.labelling import prefixes
from exporter.names import Key, key_of
from exporter.page import page, snapshot
from exporter.publishing.samples import Samples
from exporter.rendering import FAMILIES

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("query", "horizon") and not name.startswith("__")
)
KEYS = st.lists(st.dictionaries(NAMES, TEXT, max_size=4).map(key_of), max_size=5, unique=True)
SCORE = "tocsin_anomaly_score"


def samples(keys: list[Key], values: list[float], horizon: str = "") -> dict[Key, float]:
    found = Samples(SCORE, np.array(values, dtype=np.float64), {"horizon": horizon} if horizon else {})
    text = plain(page([snapshot([found], prefixes(keys, "q"), expires=1)], now=0)).decode()
    return {key_of(s.labels): s.value for f in text_string_to_metric_families(text) for s in f.samples}


@given(keys=KEYS, value=st.floats(allow_nan=False, allow_infinity=False))
def test_text_is_what_was_meant(keys: list[Key], value: float) -> None:
    """prometheus_client's parser reads back exactly the labels and values, whatever stands in them."""
    expected = {key_of(dict(key) | {"query": "q", "horizon": "1h"}): value for key in keys}
    assert samples(keys, [value] * len(keys), horizon="1h") == expected


def test_names_go_and_collisions_are_left_out() -> None:
    """`__name__` and its like are dropped; series that would then carry one name are left out and counted."""
    keys = [key_of({"__name__": name, "job": job}) for name, job in (("a", "x"), ("b", "x"), ("a", "y"))]
    assert samples(keys, [1, 2, 3]) == {key_of({"job": "y", "query": "q"}): 3}
    assert prefixes(keys, "q").left_out == {"label_name": 0, "collision": 2}


def test_our_labels_win() -> None:
    """A source's own `query` or `horizon` label is kept as `exported_…`."""
    key = key_of({"query": "theirs", "horizon": "2h"})
    assert samples([key], [1]) == {key_of({"exported_query": "theirs", "exported_horizon": "2h", "query": "q"}): 1}


def test_what_the_format_cannot_say_is_left_out() -> None:
    """A UTF-8 label name is left out and counted; NaN is no line, infinity is one."""
    keys = [key_of({"größe": "1"}), key_of({"a": "1"}), key_of({"a": "2"})]
    assert samples(keys, [1, float("nan"), float("inf")]) == {key_of({"a": "2", "query": "q"}): float("inf")}
    assert prefixes(keys, "q").left_out == {"label_name": 1, "collision": 0}


def test_a_page_has_each_family_once_and_nothing_stale() -> None:
    """Queries share a family's header; a snapshot beyond its time is not handed out."""
    rows = prefixes([key_of({"a": "1"})], "q")
    found = [Samples(family, np.array([1.0])) for family in FAMILIES]
    shots = [snapshot(found, rows, expires=expires) for expires in (10, 10, 5)]
    text = plain(page(shots, now=7)).decode()
    assert text.count("# TYPE") == len(FAMILIES)
    assert text.count(f"{SCORE}{{") == 2
    assert page(shots[2:], now=5) == []
