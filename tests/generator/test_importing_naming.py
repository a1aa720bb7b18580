"""What imported packs are called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from generator.importing.imported import Imported
from generator.importing.naming import names
from generator.schema import PACK_NAME
from tocsin.yamltree import Document

NOTHING = Document("rules.yml", {}, {}, {})


def named(*wishes: tuple[str, str]) -> list[str]:
    """The names of packs that would like to be called so, and lie in that."""
    return names([Imported(name, NOTHING, (), within) for name, within in wishes])


def test_names() -> None:
    """What a pack cannot be called by is left out of its name."""
    assert named(("Node Exporter.rules", "a")) == ["node-exporter-rules"]
    assert named(("---", "")) == ["rules"]
    assert named(("a" * 80, "")) == ["a" * 63]
    assert named(("ä/ö", "")) == ["rules"]


def test_the_same_name_twice() -> None:
    """What tells them apart stands in front, else a number behind, which takes no other's name."""
    assert named(("a", "x"), ("b", "x"), ("a", "y")) == ["x-a", "b", "y-a"]
    assert named(("a", "x"), ("a", "x"), ("a-2", "x")) == ["a", "a-3", "a-2"]
    assert named(("a" * 63, ""), ("a" * 63, "")) == ["a" * 63, "a" * 61 + "-2"]


@given(st.lists(st.tuples(st.text("aB-_ 2", max_size=4), st.sampled_from(["", "x", "y"])), max_size=12))
def test_each_is_a_pack_s_and_its_own(wishes: list[tuple[str, str]]) -> None:
    """Whatever they are called where they come from."""
    found = named(*wishes)
    assert len(set(found)) == len(wishes)
    assert all(PACK_NAME.fullmatch(name) for name in found)
