"""A store that is away for a moment, in the middle of a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.store.queries import Queries
from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tests.receiver.holding import PAGE, config, told
from tocsin.errors import StoreUnavailable


async def test_page_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose alerts cannot be read just now is tried again: a store that is away is no channel that refuses."""
    read = Queries.members
    fails = iter([True])

    async def once_away(self: Queries, *wanted: Any) -> Any:
        if next(fails, False):
            raise StoreUnavailable("the disk is away")
        return await read(self, *wanted)

    async with receiver(tmp_path, config()) as tocsin:
        monkeypatch.setattr(Queries, "members", once_away)
        await tocsin.post(body(alert()))
        assert told(tocsin) == []
        await tocsin.advance(seconds=5)
        assert told(tocsin) == [PAGE]
        (incident,) = await tocsin.incidents()
        assert "message_failed" not in await tocsin.story(incident["id"])


async def test_a_page_goes_out_without_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks while the likely cause is worked out keeps nobody from being paged."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no tree grows here")

    monkeypatch.setattr("receiver.store.stories.tree_of", broken)
    async with receiver(tmp_path, config()) as tocsin:
        await tocsin.post(body(alert()))
        assert told(tocsin) == [PAGE]
