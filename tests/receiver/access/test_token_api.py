"""Tokens over the API: one's own, or with admin:all anybody's; never more than whoever asks may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from receiver.config import ReceiverConfig
from receiver.store.schema import tokens
from receiver.web.answers import MadeTokenJson, MeJson, Page, RevokedTokenJson, TokenJson
from tests.receiver.access.people import CONFIG, given
from tests.receiver.access.test_access import ask
from tests.receiver.harness import Harness, receiver

PATH = "/api/v1/tokens"


@pytest.fixture
async def tocsin(tmp_path: Path) -> AsyncIterator[Harness]:
    async with receiver(tmp_path, ReceiverConfig.model_validate(CONFIG), asks=True) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_from_making_to_revoking(tocsin: Harness) -> None:
    """A token that an admin makes works until it is revoked; the list tells when it was used; the secret is nowhere."""
    root = await given(tocsin, "root", "admin:all")
    made = {"user": "alice", "scopes": ["incidents:read"], "expires": "30d", "note": "laptop"}
    answer = await tocsin.client.post(PATH, json=made, headers=root)
    told = await answer.json()
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (told["user"], told["created_by"], told["expires_at"]) == ("alice", "root", "2026-12-21T03:00:00Z")
    written = told.pop("token")
    assert (await ask(tocsin, "GET", "/api/v1/incidents", bearer(written)))[0] == 200
    _, me = await ask(tocsin, "GET", "/api/v1/me", bearer(written))
    assert (me["name"], me["scopes"], me["tenants"]) == ("alice", ["incidents:read"], None)
    assert me["token"] == told | {"used_at": "2026-11-21T03:00:00Z"}
    _, listed = await ask(tocsin, "GET", PATH, root)
    assert [one["note"] for one in listed["items"] if one["user"] == "alice"] == ["laptop"]
    status, revoked = await ask(tocsin, "POST", f"{PATH}/{told['id']}/revoke", root)
    assert (status, revoked["status"], revoked["changed"], revoked["revoked_by"]) == (200, "revoked", True, "root")
    assert (await ask(tocsin, "GET", "/api/v1/incidents", bearer(written)))[0] == 401
    status, again = await ask(tocsin, "POST", f"{PATH}/{told['id']}/revoke", root)
    assert (status, again["changed"]) == (200, False)
    async with tocsin.database.read() as connection:
        rows = (await connection.execute(sa.select(tokens))).all()
    assert written[-43:] not in str(rows) + str(listed) + str(revoked)


async def test_answers_are_what_is_declared(tocsin: Harness) -> None:
    """Every answer has the fields of the type that the API's description tells, and no other."""
    root = await given(tocsin, "root", "admin:all")
    _, made = await ask(tocsin, "POST", PATH, root, scopes=["incidents:read"])
    answers = {
        MadeTokenJson: made,
        MeJson: (await ask(tocsin, "GET", "/api/v1/me", root))[1],
        Page[TokenJson]: (await ask(tocsin, "GET", PATH, root))[1],
        RevokedTokenJson: (await ask(tocsin, "POST", f"{PATH}/{made['id']}/revoke", root))[1],
    }
    for kind, answer in answers.items():
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        assert adapter.dump_python(adapter.validate_python(answer)) == answer


async def test_used_is_written_once_a_minute(tocsin: Harness) -> None:
    """The last use is known to the minute, and a busy token does not keep the store busy."""
    header = await given(tocsin, "root", "admin:all")
    expected = {0: "03:00:00", 59: "03:00:00", 61: "03:01:01", 120: "03:01:01", 122: "03:02:02"}
    begun = tocsin.clock.now()
    for seconds, used in expected.items():
        tocsin.clock.advance(seconds=seconds - (tocsin.clock.now() - begun).total_seconds())
        await ask(tocsin, "GET", "/api/v1/me", header)
        (kept,) = await tocsin.receiver.doors.tokens.all("root")
        assert kept.used_at is not None
        assert f"{kept.used_at:%H:%M:%S}" == used


@pytest.mark.parametrize(
    ("asker", "scopes", "said", "status", "says"),
    [
        ("alice", ["incidents:read"], {"scopes": ["incidents:read"]}, 201, ""),
        ("alice", ["incidents:read"], {"scopes": ["incidents:read"], "user": "alice"}, 201, ""),
        ("alice", ["incidents:read"], {"scopes": ["incidents:write"]}, 409, "may not do incidents:write"),
        ("alice", ["incidents:read"], {"scopes": ["admin:all"]}, 409, "may not do admin:all"),
        ("alice", ["incidents:read"], {"scopes": ["incidents:read"], "user": "victor"}, 403, "those of victor take"),
        ("chief", ["admin:all"], {"scopes": ["incidents:read"], "user": "anna"}, 403, "those of anna take"),
        ("root", ["incidents:read"], {"scopes": ["incidents:read"], "user": "anna"}, 403, "those of anna take"),
        ("root", ["admin:all"], {"scopes": ["incidents:write"], "user": "victor"}, 409, "victor may not do incidents"),
        ("root", ["admin:all"], {"scopes": ["incidents:read"], "user": "mallory"}, 409, "there is no user mallory"),
        ("root", ["admin:all"], {"scopes": ["all"], "user": "anna"}, 400, "'all' is no scope; there are admin:all"),
        ("root", ["admin:all"], {"scopes": []}, 400, "a token needs a scope"),
        ("root", ["admin:all"], {"scopes": ["rules:read"], "tenants": []}, 400, "leave it out for all"),
        (
            "root",
            ["admin:all"],
            {"scopes": ["rules:read"], "expires": "soon"},
            400,
            "expires: 'soon' is not a duration",
        ),
        ("root", ["admin:all"], {"scopes": ["rules:read"], "expires": "2y"}, 409, "up to 365 days"),
        ("root", ["admin:all"], {"scopes": ["rules:read"], "tenant": "acme"}, 400, "tenant is not a key of this body"),
        ("root", ["admin:all"], {"scopes": "rules:read"}, 400, "scopes must be "),
    ],
)
async def test_who_may_make_which(
    tocsin: Harness, asker: str, scopes: list[str], said: dict[str, Any], status: int, says: str
) -> None:
    """Whoever has admin:all for every tenant makes anybody's; others their own, within the token that they ask with."""
    header = await given(tocsin, asker, *scopes)
    got, told = await ask(tocsin, "POST", PATH, header, **said)
    assert got == status, told
    assert status == 201 or says in told["detail"]


async def test_a_token_of_a_token(tocsin: Harness) -> None:
    """What a token makes of itself has its tenants and ends no later."""
    narrow = await given(tocsin, "alice", "incidents:read", tenants=frozenset({"acme"}))
    tocsin.clock.advance(hours=24)
    status, told = await ask(tocsin, "POST", PATH, narrow, scopes=["incidents:read"], expires="365d")
    assert (status, told["tenants"], told["expires_at"]) == (201, ["acme"], "2027-02-19T03:00:00Z")
    status, _ = await ask(tocsin, "POST", PATH, narrow, scopes=["incidents:read"], tenants=["beta"])
    assert status == 409


async def test_ones_own(tocsin: Harness) -> None:
    """Others see and revoke their own tokens, and those of others are not there."""
    alice, victor = await given(tocsin, "alice", "rules:read"), await given(tocsin, "victor", "rules:read")
    (mine,) = (await ask(tocsin, "GET", PATH, alice))[1]["items"]
    (theirs,) = (await ask(tocsin, "GET", PATH, victor))[1]["items"]
    assert (mine["user"], theirs["user"]) == ("alice", "victor")
    status, told = await ask(tocsin, "POST", f"{PATH}/{theirs['id']}/revoke", alice)
    assert (status, told["detail"]) == (
        404,
        f"there is no token {theirs['id']}; tocsin tokens list --all tells which there are",
    )
    assert (await ask(tocsin, "POST", f"{PATH}/{mine['id']}/revoke", alice))[0] == 200
    assert (await ask(tocsin, "GET", PATH, alice))[0] == 401
    assert (await ask(tocsin, "GET", PATH, victor))[0] == 200
