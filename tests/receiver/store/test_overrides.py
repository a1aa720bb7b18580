"""Overrides in the store: added, removed once, and read by whoever asks who is on call."""

from __future__ import annotations

from datetime import timedelta

from receiver.oncall.shift import Override
from receiver.store.database import Database
from receiver.store.overrides import Overrides
from tests.receiver.bodies import START

HOUR = timedelta(hours=1)


async def test_overrides_are_kept(store: Database) -> None:
    """What was added counts in the order of its adding, until it is removed, which happens once; both say by whom."""
    overrides = Overrides(store)
    first = await overrides.add("db", Override(START, START + HOUR, "zoe", "bob"), START)
    swap = Override(START, START + 2 * HOUR, "alice", "bob", "", "carol")
    second = await overrides.add("db", swap, START)
    await overrides.add("shop", Override(START, START + HOUR, "zoe", "bob"), START)
    assert await overrides.of("db") == [first, second]
    assert first.created_at < second.created_at
    assert second.override == Override(START, START + 2 * HOUR, "alice", "bob", second.override.id, "carol")
    assert dict(await overrides.ending_after(START + HOUR)) == {"db": (second.override,)}
    assert await overrides.remove(second.override.id, "eve", START + HOUR)
    assert not await overrides.remove(second.override.id, "mallory", START + 2 * HOUR)
    assert not await overrides.remove("nothing", "eve", START)
    assert dict(await overrides.ending_after(START)) == {
        "db": (first.override,),
        "shop": ((await overrides.of("shop"))[0].override,),
    }
    removed = (await overrides.of("db"))[1]
    assert (removed.removed_at, removed.removed_by) == (START + HOUR, "eve")
