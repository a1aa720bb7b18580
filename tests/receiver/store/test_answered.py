"""The store's part in Idempotency-Key, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from receiver.store.answered import CLAIM_LASTS, KEPT_FOR, Answered, Kept
from receiver.store.database import Database
from receiver.store.purge import Limits, Purge
from tests.receiver.bodies import START

DONE = Kept("", 201, {"Location": "/x"}, b"{}")
MINUTE = timedelta(minutes=1)


async def test_a_key_has_one_owner(store: Database) -> None:
    """Of many at once one may go on; the others see that it is being worked on, and later the answer."""
    answered = Answered(store)
    claims = await asyncio.gather(*(answered.claim("alice", "k", "request", START) for _ in range(5)))
    assert [claim for claim in claims if claim is None] == [None]
    assert {claim.status for claim in claims if claim is not None} == {None}
    await answered.keep("alice", "k", DONE)
    kept = await answered.claim("alice", "k", "another", START + KEPT_FOR - MINUTE)
    assert kept == Kept("request", 201, {"Location": "/x"}, b"{}")
    assert await answered.claim("bob", "k", "request", START) is None
    assert await answered.claim("alice", "k", "another", START + KEPT_FOR) is None


async def test_what_was_let_go_or_has_lapsed_is_free(store: Database) -> None:
    """A request that was refused frees its key, and so does a process that died, after a while."""
    answered = Answered(store)
    assert await answered.claim("a", "k", "one", START) is None
    await answered.let_go("a", "k")
    assert await answered.claim("a", "k", "two", START) is None
    assert await answered.claim("a", "k", "two", START + CLAIM_LASTS - MINUTE) is not None
    assert await answered.claim("a", "k", "two", START + CLAIM_LASTS) is None
    await answered.keep("a", "k", DONE)
    await answered.let_go("a", "k")
    assert await answered.claim("a", "k", "two", START + CLAIM_LASTS) is not None


async def test_old_answers_go(store: Database) -> None:
    """What nobody may ask for again is taken away."""
    answered = Answered(store)
    for number in range(3):
        await answered.claim("a", f"{number}", "", START + number * MINUTE)
    limits = Limits(START, START, START, START, answered=START + 2 * MINUTE, remediations=START)
    assert await Purge(store, limits).batch() == {"answered": 2}
    assert await Purge(store, limits).batch() == {}
