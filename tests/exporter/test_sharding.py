"""Several exporters and one configuration: each query, and each series of a divided one, is watched exactly once."""

from __future__ import annotations

import re

import pytest

from exporter.config import QuerySettings
from exporter.sharding import Shard
from tocsin.errors import UsageError


def query(name: str, **settings: object) -> QuerySettings:
    return QuerySettings.model_validate({"name": name, "expr": "up", **settings})


def shards(count: int) -> list[Shard]:
    return [Shard.parse(f"{index}/{count}") for index in range(1, count + 1)]


def selects(matcher: str, value: str) -> bool:
    found = re.fullmatch(r'pod(=~|!~)"(.*)"', matcher)
    assert found
    pattern = found[2].replace(r"\\", "\\")
    return (re.fullmatch(pattern, value) is not None) is (found[1] == "=~")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_query_once(count: int) -> None:
    """Every query belongs to exactly one shard, and no shard goes without."""
    queries = [query(f"q{row}") for row in range(100)]
    parts = [list(shard.part_of(queries)) for shard in shards(count)]
    assert sorted(found.name for part in parts for found in part) == sorted(found.name for found in queries)
    assert min(map(len, parts)) > 0


def test_one_shard_more_moves_only_what_it_takes() -> None:
    """What a new shard does not take stays where it was."""
    names = [f"q{row}" for row in range(200)]
    before = {
        name: shard.index for shard in (Shard(index, 3) for index in range(3)) for name in names if shard.has(name)
    }
    after = {
        name: shard.index for shard in (Shard(index, 4) for index in range(4)) for name in names if shard.has(name)
    }
    moved = [name for name in names if before[name] != after[name]]
    assert {after[name] for name in moved} == {3}
    assert 20 < len(moved) < 80


@pytest.mark.parametrize("patterns", [None, ["[a-m].*", "[n-z].*"], [r".*\d", "zero|.*x"]])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_series_of_a_divided_query_once(count: int, patterns: list[str] | None) -> None:
    """Each series is selected by exactly one shard, also one that no pattern matches; elsewhere nothing is asked."""
    by = {"label": "pod"} | ({"patterns": patterns} if patterns else {})
    large = query("large", expr="rate(x{$(shard)}[5m])", shard_by=by)
    asked = [found.expr for shard in shards(count) for found in shard.part_of([large])]
    matchers = [expr.removeprefix("rate(x{").removesuffix("}[5m])") for expr in asked]
    for value in ("checkout-7f9", "cart-0", "Große", "", "9"):
        assert sum(selects(matcher, value) for matcher in matchers) == 1, (value, matchers)


@pytest.mark.parametrize("text", ["", "1", "3/2", "0/0", "-1/2", "a/b", "1/2/3", "1.5/2"])
def test_what_is_no_shard(text: str) -> None:
    """Anything but I/N is refused with an example."""
    with pytest.raises(UsageError, match="write 1/3"):
        Shard.parse(text)


def test_ordinals_from_zero() -> None:
    """0/N is N/N: a StatefulSet's ordinals will do."""
    assert Shard.parse("0/3") == Shard.parse("3/3")
