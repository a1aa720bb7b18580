"""What every kind of place must do, whoever wrote it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import indent

import pytest

from generator.delivery.destination import Destination, Piece
from generator.delivery.options import Options
from generator.delivery.plan import between
from generator.delivery.registry import KINDS
from generator.emit import HEADER, File
from tests import real
from tests.generator.rule_cluster import RuleCluster
from tests.generator.rulers import Ruler, serving
from tests.kubernetes import kubeconfig, no_authorities, running

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")

TEXT = """\
{header} from packs/node.yml; do not edit.
namespace: node
groups:
  - name: load
    interval: 2m
    rules:
      - record: job:load:sum
        expr: sum by (job) (load)
      - alert: LoadHigh
        expr: job:load:sum > {above}
        for: 5m
        keep_firing_for: 1m
        labels: {{severity: warning}}
        annotations: {{summary: 'Load of {{{{ $labels.job }}}} is "high"'}}
"""

OBJECT = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: node, labels: {}}\nspec:\n"


class Place:
    """A kind of place, with what it takes to open one."""

    def __init__(self, name: str, options: Options) -> None:
        self.kind = KINDS[name]
        self.options = options

    def pieces(self, above: int = 10) -> list[Piece]:
        text = TEXT.format(header=HEADER, above=above)
        return self.kind.pieces([File("node.yml", text, 2)], self.options)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Destination]:
        async with self.kind.opened(self.options) as destination:
            yield destination


class Namespace(Place):
    """A namespace of a cluster, for which rules are built otherwise."""

    def pieces(self, above: int = 10) -> list[Piece]:
        _, _, groups = TEXT.format(header=HEADER, above=above).partition("groups:")
        return self.kind.pieces([File("node.yml", OBJECT + indent(f"groups:{groups}", "  "), 2)], self.options)


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """One of each kind, empty."""
    match request.param:
        case "directory":
            yield Place("directory", Options(to="directory", directory=tmp_path / "rules"))
        case "mimir":
            with serving(Ruler(real.pair("current").promtool)) as ruler:
                yield Place("mimir", Options(to="mimir", ruler_url=ruler.url, tenant_id="acme"))
        case "kubernetes":
            async with running(RuleCluster()) as url:
                config = kubeconfig(tmp_path, url)
                reached = Options(to="kubernetes", namespace="monitoring", set_name="shop", kubeconfig=config)
                yield Namespace("kubernetes", reached)


async def test_an_empty_place_holds_nothing(place: Place) -> None:
    """And has a name."""
    async with place.opened() as destination:
        held = await destination.held()
        assert (dict(held.pieces), held.strangers) == ({}, frozenset())
        assert destination.where


async def test_what_was_put_is_held(place: Place) -> None:
    """With the same rules, seen by whoever comes next; putting it again changes nothing."""
    [piece] = place.pieces()
    async with place.opened() as destination:
        await destination.put(piece)
        await destination.put(piece)
        await destination.finish()
    async with place.opened() as destination:
        held = await destination.held()
        assert list(held.pieces) == [piece.name]
        assert not between(held.pieces[piece.name], piece)
        assert await destination.finish() == ""


async def test_what_is_put_replaces_what_was_there(place: Place) -> None:
    """There is one of a name."""
    [old], [new] = place.pieces(above=10), place.pieces(above=20)
    assert old.name == new.name
    async with place.opened() as destination:
        for piece in (old, new):
            await destination.put(piece)
        held = await destination.held()
        assert list(held.pieces) == [new.name]
        assert not between(held.pieces[new.name], new)
        assert between(held.pieces[new.name], old)


async def test_what_was_removed_is_gone(place: Place) -> None:
    """It is no error if it is gone already."""
    [piece] = place.pieces()
    async with place.opened() as destination:
        await destination.put(piece)
        for _ in range(2):
            await destination.remove(piece)
            assert dict((await destination.held()).pieces) == {}


def test_a_piece_says_what_is_written(place: Place) -> None:
    """Its rules are those of its text."""
    [piece] = place.pieces()
    [group] = piece.groups
    assert [rule.name for rule in group.rules] == ["job:load:sum", "LoadHigh"]
    for name in ("load", "job:load:sum", "LoadHigh", "2m", "5m"):
        assert name in piece.text
