"""Names, places and rows of series that come and go."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from exporter.frame import Frame
from exporter.labelling import prefixes
from exporter.model import NEW
from exporter.names import Key, Named, Names, key_of, keys_of
from exporter.places import Places
from exporter.rows import Register, align
from exporter.table import Grid, Table

A, B, C, D = (key_of({"shop": shop, "job": "x"}) for shop in "abcd")


def raws(*keys: Key) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(dict(key)).encode()) for key in keys]


def frame(keys: Sequence[Key], values: list[list[float]], start: float = 0) -> Frame:
    return Frame(np.array(values, dtype=np.float64), Named(tuple(keys)), start, 60)


def test_the_same_answer_has_the_same_names() -> None:
    """An answer with the same label sets gives the very same tuple, another one equal keys."""
    names = Names()
    first = names.of(raws(A, B))
    assert names.of(raws(A, B)) is first
    assert names.of(raws(B, A, C)) == (B, A, C)
    assert names.of(raws()) == ()


def test_names_are_forgotten() -> None:
    """Label sets that no answer has any more are not kept for ever."""
    names = Names()
    for row in range(5000):
        names.of(raws(key_of({"pod": str(row)})))
    assert len(names._known) < 2000


def test_a_label_set_must_be_one() -> None:
    """Labels that are no texts are refused."""
    with pytest.raises(msgspec.DecodeError):
        Names().of([msgspec.Raw(b'{"a":1}')])


def test_labels_are_mappings() -> None:
    """A Frame's labels read as mappings, one by one, in order and in part."""
    labels = Named((A, B, C))
    assert labels[1] == dict(B)
    assert list(labels[1:]) == [dict(B), dict(C)]
    assert keys_of(labels) == keys_of(tuple(labels)) == (A, B, C)


def test_places_are_kept() -> None:
    """Who has a place keeps it though others come before it in order; a free one goes by the order of labels."""
    places = Places(2)
    assert places.of((C, D)).keys == (C, D)
    assert places.of((A, B, C, D)).keys == (C, D)
    assert places.examples == (A, B)
    placed = places.of((D, B, A))
    assert (placed.keys, dict(placed.left_out)) == ((D, A), {"max_series": 1, "duplicate": 0})
    assert placed.rows is not None
    assert placed.rows.tolist() == [0, -1, 1]


def test_the_past_takes_no_place() -> None:
    """Series of the past get what places those that are there now leave."""
    places = Places(2)
    places.of((C,))
    assert places.of((A, B), past=True).keys == (A,)
    assert places.of((B, D, C), past=True).keys == (C,)
    assert places.of((B, C)).keys == (B, C)


def test_a_label_set_that_comes_twice() -> None:
    """The first one counts, the other is left out."""
    placed = Places(9).of((A, B, A))
    assert (placed.keys, placed.left_out["duplicate"]) == ((A, B), 1)
    assert placed.rows is not None
    assert placed.rows.tolist() == [0, 1, -1]


def test_windows_fill_a_table() -> None:
    """Each window's points go to their series' rows; new series get rows, what never came is NaN."""
    table = Table(Grid(0, 60, 2))
    table.take(table.rows_of((A, B)), np.array([0, 0]), np.array([1.0, 2.0]))
    table.take(table.rows_of((C, A)), np.array([1, 1]), np.array([3.0, 4.0]))
    assert table.keys == (A, B, C)
    np.testing.assert_array_equal(table.values, [[1, 4], [2, np.nan], [np.nan, 3]])


def test_rows_stay_as_they_are() -> None:
    """The same series in the same order leave the register's own keys, and no rows to move."""
    before = align(Register(), frame([A, B], [[1], [2]]), forget_seconds=100).register
    aligned = align(before, frame([A, B], [[3], [np.nan]], start=60), forget_seconds=100)
    assert aligned.rows is None
    assert aligned.register.keys is before.keys
    assert aligned.register.seen.tolist() == [60, 0]


def test_rows_come_and_go() -> None:
    """New series are added behind, those away stay as NaN until they are forgotten; labels follow."""
    register = align(Register(), frame([A, B], [[1], [2]]), forget_seconds=100).register
    aligned = align(register, frame([C, A], [[3], [4]], start=60), forget_seconds=100)
    assert aligned.register.keys == keys_of(aligned.frame.labels) == (A, B, C)
    assert aligned.rows is not None
    assert aligned.rows.tolist() == [0, 1, NEW]
    np.testing.assert_array_equal(aligned.frame.values, [[4], [np.nan], [3]])
    later = align(aligned.register, frame([C, A], [[3], [4]], start=120), forget_seconds=100)
    assert later.register.keys == (A, C)
    assert later.rows is not None
    assert later.rows.tolist() == [0, 2]


def test_names_for_new_rows_only() -> None:
    """What rows are called is the same whether made anew or from what they were called before; collisions are seen."""
    named = [key_of({"__name__": name, "shop": "a"}) for name in ("x", "y")]
    wide = key_of({"größe": "1"})
    before = prefixes([A, named[0], wide], "q")
    before.texts(("horizon", "query"))
    rows = np.array([2, 1, NEW, NEW])
    keys = [wide, named[0], named[1], C]
    after, fresh = prefixes(keys, "q", before=before, rows=rows), prefixes(keys, "q")
    assert after.shown == fresh.shown
    assert after.made[("horizon", "query")] == fresh.texts(("horizon", "query"))
    assert after.plain.tolist() == fresh.plain.tolist() == [False, False, False, True]
    assert after.left_out == {"label_name": 1, "collision": 2}
