"""Tokens: made for what a user may do, recognised by their hash alone."""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.access.principal import SCOPES, Principal
from receiver.access.tokens import WRITTEN, NotGranted, Wanted, digest_of, handed_on, id_of, issue, scopes_of
from tests.receiver.access.people import directory, minted
from tests.receiver.access.test_principal import TENANTS, principals, scopes, tenants
from tests.receiver.bodies import START

DAY = timedelta(days=1)


def test_written() -> None:
    """A token has its id, 256 bits that no other has, and nothing that is kept tells them."""
    token, written = minted("alice", "incidents:read")
    other, another = minted("alice", "incidents:read")
    assert WRITTEN.fullmatch(written)
    assert id_of(written) == token.id != other.id
    secret = written.rpartition(token.id)[2][1:]
    assert len(secret) == 43
    assert secret not in repr(token)
    assert token.digest == digest_of(written)
    assert token.fits(written)
    assert not token.fits(another)
    assert token.expires_at == START + 90 * DAY


@given(st.integers(0, 62), st.characters(exclude_categories=["Cs"]))
def test_altered(place: int, letter: str) -> None:
    """A token with any one character changed, taken out or added is not that token."""
    token, written = minted("alice", "incidents:read")
    for other in (
        written[:place] + letter + written[place + 1 :],
        written[:place] + written[place + 1 :],
        written + letter,
    ):
        assert token.fits(other) is (other == written)


def test_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes are compared by hmac.compare_digest, the right one and a wrong one."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    token, written = minted("alice", "incidents:read")
    assert token.fits(written)
    assert not token.fits("tocsin_")
    assert [{len(one), len(other)} for one, other in compared] == [{32}, {32}]


@pytest.mark.parametrize(
    "text", ["", "tocsin_", "tocsin_abc_def", "x" * 63, "TOCSIN_" + "a" * 12 + "_" + "b" * 43, "tö"]
)
def test_none_of_ours(text: str) -> None:
    """What is no token of ours has no id."""
    assert id_of(text) is None


@pytest.mark.parametrize(
    ("user", "own", "other", "says"),
    [
        ("mallory", ["incidents:read"], {}, "there is no user mallory; add it under users"),
        ("alice", ["admin:all"], {}, "alice may not do admin:all (theirs: incidents:read, incidents:write"),
        ("anna", ["incidents:read"], {"tenants": frozenset({"beta"})}, "for acme only, not for beta"),
        ("both", ["incidents:write"], {"tenants": frozenset({"beta"})}, "for acme only, not for beta"),
        ("idle", ["incidents:read"], {}, "(theirs: none)"),
        ("alice", ["incidents:read"], {"life": timedelta()}, "up to 365 days"),
        ("alice", ["incidents:read"], {"life": 366 * DAY}, "up to 365 days"),
    ],
)
def test_not_granted(user: str, own: list[str], other: dict[str, Any], says: str) -> None:
    """What a user may not do, no token of theirs is made for; the message tells what they may."""
    with pytest.raises(NotGranted, match=re.escape(says)):
        minted(user, *own, **other)


@pytest.mark.parametrize(("texts", "says"), [([], "needs a scope"), (["incidents:all"], "'incidents:all' is no scope")])
def test_scopes_that_are_none(texts: list[str], says: str) -> None:
    """What is no scope is told with those that there are."""
    with pytest.raises(NotGranted, match=f"{says}.*incidents:read"):
        scopes_of(texts)


def test_scopes_as_people_write_them() -> None:
    """Several scopes may stand in one text."""
    assert scopes_of(["incidents:read, rules:read", "incidents:read"]) == {"incidents:read", "rules:read"}


def allowed(user: Principal) -> set[tuple[str, str]]:
    """Everything that somebody may do."""
    return {(scope, tenant) for scope in SCOPES for tenant in TENANTS if user.may(scope, tenant)}  # type: ignore[arg-type]


@given(principals, scopes, tenants, scopes, tenants)
def test_a_chain_of_tokens(
    user: Principal,
    first: frozenset[str],
    its: frozenset[str] | None,
    second: frozenset[str],
    theirs: frozenset[str] | None,
) -> None:
    """A token can never do more than its user, and a token that a token makes never more, nor for longer, than that."""
    try:
        token, _ = issue(Wanted("alice", first, its), user, by="alice", now=START)
    except NotGranted:
        return
    assert allowed(user.restricted(token.scopes, token.tenants)) <= allowed(user)
    later = START + 80 * DAY
    try:
        wanted = handed_on(Wanted("alice", second, theirs), token, later)
        heir, _ = issue(wanted, user, by="alice", now=later)
    except NotGranted:
        return
    assert allowed(user.restricted(heir.scopes, heir.tenants)) <= allowed(user.restricted(token.scopes, token.tenants))
    assert heir.expires_at <= token.expires_at


def test_status() -> None:
    """A token ends at the moment that it names, or when it is revoked."""
    token, _ = minted("alice", "incidents:read", life=DAY)
    assert token.status(START + DAY - timedelta(microseconds=1)) == "active"
    assert token.status(START + DAY) == "expired"
    assert replace(token, revoked_at=START).status(START) == "revoked"


def test_people() -> None:
    """A removed user has no rights for a token to have."""
    assert directory(users={}).principal("alice") is None
