"""Who asks, by the head of a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from receiver.access.proofs import MOST_REMEMBERED, Known, Proofs, Refusal
from receiver.access.tokens import Token
from tests.receiver.access.people import directory, minted
from tests.receiver.bodies import START
from tocsin.attempts import AT_ONCE, Attempts
from tocsin.clock import ManualClock
from tocsin.errors import StoreUnavailable


class Book:
    """Tokens in memory; counts looks."""

    def __init__(self, *tokens: Token) -> None:
        self.kept = {token.id: token for token in tokens}
        self.looks = 0
        self.used_by: list[str] = []
        self.full = False

    async def one(self, name: str) -> Token | None:
        self.looks += 1
        return self.kept.get(name)

    async def used(self, token: Token, now: datetime) -> None:
        if self.full:
            raise StoreUnavailable("the disk is full")
        self.used_by.append(token.id)


TOKEN, WRITTEN = minted("both", "incidents:read", "incidents:write", tenants=frozenset({"acme"}))


def proofs(book: Book, users: bool = True, attempts: Attempts | None = None) -> Proofs:
    people = directory() if users else directory(users={})
    return Proofs(people, book, ManualClock(START), attempts)


@pytest.mark.parametrize(
    ("headers", "login", "users", "expected"),
    [
        ([f"Bearer {WRITTEN}"], "", True, "both"),
        ([f"bearer   {WRITTEN} "], "", True, "both"),
        ([], "alice", True, "alice"),
        ([], "mallory", True, (403, "unknown_user")),
        ([], "", True, (401, "no_proof")),
        ([f"Bearer {WRITTEN}"] * 2, "", True, (401, "no_proof")),
        ([WRITTEN], "", True, (401, "no_proof")),
        (["Bearer "], "", True, (401, "no_proof")),
        ([f"Bearer {WRITTEN}x"], "", True, (401, "wrong_proof")),
        ([f"Bearer {WRITTEN.swapcase()}"], "", True, (401, "wrong_proof")),
        (["Bearer tökén\udcff"], "", True, (401, "wrong_proof")),
        (["Bearer of-another-kind"], "", True, (401, "wrong_proof")),
        (["Bearer of-another-kind"], "alice", True, (401, "wrong_proof")),
        ([], "", False, ""),
        ([], "mallory", False, "mallory"),
        (["Bearer of-another-kind"], "", False, ""),
        ([f"Bearer {WRITTEN}"], "", False, (401, "unknown_user")),
        ([f"Bearer {WRITTEN}x"], "", False, (401, "wrong_proof")),
    ],
)
async def test_who(headers: list[str], login: str, users: bool, expected: str | tuple[int, str]) -> None:
    """A token goes before a name; where users are configured one of them is needed, and no refusal repeats a proof."""
    found = await proofs(Book(TOKEN), users).who(headers, login, "192.0.2.1")
    if isinstance(found, Known):
        assert found.principal.name == expected
    else:
        assert (found.status, found.reason) == expected
        assert ("WWW-Authenticate" in found.headers) == (found.status == 401)
        assert WRITTEN[-20:] not in found.detail


async def test_a_token_is_no_more_than_it_says() -> None:
    """With a token for one tenant its user is nobody at another's."""
    found = await proofs(Book(TOKEN)).who([f"Bearer {WRITTEN}"], "", None)
    assert isinstance(found, Known)
    assert found.principal.tenants_for("incidents:read") == frozenset({"acme"})
    assert found.principal.tenants_for("rules:read") == frozenset()


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({"expires_at": START}, "expired", "expired on 2026-11-21 03:00 UTC"),
        ({"revoked_at": START - timedelta(hours=1)}, "revoked", "was revoked on 2026-11-21 02:00 UTC"),
        ({"user": "gone"}, "unknown_user", "no user of the configuration any more"),
    ],
)
async def test_tokens_that_have_ended(change: dict[str, object], reason: str, says: str) -> None:
    """Whoever has the token itself is told what became of it."""
    ended = replace(TOKEN, **change)  # type: ignore[arg-type]
    found = await proofs(Book(ended)).who([f"Bearer {WRITTEN}"], "", None)
    assert isinstance(found, Refusal)
    assert (found.status, found.reason) == (401, reason)
    assert says in found.detail


async def test_removed_from_the_configuration() -> None:
    """A token dies with its user, at the next reload, and lives again with them."""
    asked = proofs(Book(TOKEN))
    assert isinstance(await asked.who([f"Bearer {WRITTEN}"], "", None), Known)
    asked.people = directory(users={"alice": {}})
    assert isinstance(await asked.who([f"Bearer {WRITTEN}"], "", None), Refusal)
    asked.people = directory(users={"both": {"roles": ["viewer"]}})
    found = await asked.who([f"Bearer {WRITTEN}"], "", None)
    assert isinstance(found, Known)
    assert not found.principal.may("incidents:write")


async def test_too_many_wrong_ones() -> None:
    """After some wrong tokens others of that place are not looked at, but one that was right before is; told once."""
    at = 0.0
    book = Book(TOKEN)
    asked = proofs(book, attempts=Attempts(lambda: at))
    assert isinstance(await asked.who([f"Bearer {WRITTEN}"], "", "192.0.2.1"), Known)
    wrong = f"Bearer tocsin_{'a' * 12}_{'b' * 43}"
    with capture_logs() as logs:
        results = [await asked.who([wrong], "", "192.0.2.1") for _ in range(AT_ONCE + 5)]
    reasons = [found.reason for found in results if isinstance(found, Refusal)]
    assert reasons == ["wrong_proof"] * AT_ONCE + ["too_many"] * 5
    assert len(logs) == 1
    looks = book.looks
    limited = await asked.who([wrong], "", "192.0.2.1")
    assert isinstance(limited, Refusal)
    assert (limited.status, limited.headers["Retry-After"]) == (429, "6")
    assert book.looks == looks
    assert isinstance(await asked.who([f"Bearer {WRITTEN}"], "", "192.0.2.1"), Known)
    assert isinstance(await asked.who([wrong], "", "192.0.2.2"), Refusal)
    assert book.looks == looks + 2
    at += 6.1
    again = await asked.who([wrong], "", "192.0.2.1")
    assert isinstance(again, Refusal)
    assert again.reason == "wrong_proof"


async def test_remembered_tokens_are_bounded() -> None:
    """What is remembered of right tokens does not grow without end."""
    made = [minted("alice", "incidents:read") for _ in range(3)]
    asked = proofs(Book(*(token for token, _ in made)))
    asked._right.update((bytes([n // 256, n % 256]), None) for n in range(MOST_REMEMBERED - 1))
    for _, written in made:
        assert isinstance(await asked.who([f"Bearer {written}"], "", None), Known)
    assert len(asked._right) == MOST_REMEMBERED


async def test_while_nothing_can_be_written() -> None:
    """Whoever is known goes on while the store cannot note when the token was used."""
    book = Book(TOKEN)
    book.full = True
    assert isinstance(await proofs(book).who([f"Bearer {WRITTEN}"], "", None), Known)
