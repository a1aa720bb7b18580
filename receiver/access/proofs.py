"""Who asks: a token, a name that --web.config.file has proved, or, where no users are configured, anybody."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from receiver.access.principal import Principal, anybody
from receiver.access.tokens import PREFIX, Token, digest_of, id_of
from tocsin.attempts import Attempts
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.access")

BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)  # RFC 9110, 11.1: a scheme has no case
MOST_REMEMBERED = 1024
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tocsin"'}
WAY_IN = (
    "give one header 'Authorization: Bearer TOKEN' (for commands: TOCSIN_TOKEN_FILE); "
    "`tocsin tokens create --user NAME --scope SCOPE` makes a token"
)
REASONS = (
    "no_proof",
    "wrong_proof",
    "expired",
    "revoked",
    "unknown_user",
    "too_many",
    "scope",
    "tenant",
    "on_behalf",
    "host",
)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, and the token by which they are known."""

    principal: Principal
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is turned away. Nothing of what they gave as a proof is in it."""

    status: int
    reason: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class People(Protocol):
    """Who there is."""

    @property
    def users(self) -> Mapping[str, object]: ...

    def principal(self, user: str, via: str = "api") -> Principal | None: ...


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def one(self, name: str) -> Token | None: ...

    async def used(self, token: Token, now: datetime) -> None: ...


def bearer(authorization: Sequence[str]) -> str | None:
    """What stands in the one `Authorization: Bearer` header (RFC 6750); None where there is none."""
    found = BEARER.fullmatch(authorization[0].strip(" \t")) if len(authorization) == 1 else None
    return None if found is None else found[1]


class Proofs:
    """Makes somebody of a request's head. `people` may be replaced: whoever is gone has no access from then on."""

    def __init__(self, people: People, tokens: TokenStore, clock: Clock, attempts: Attempts | None = None) -> None:
        self.people = people
        self._tokens = tokens
        self._clock = clock
        self._attempts = attempts or Attempts()
        self._right: OrderedDict[bytes, None] = OrderedDict()  # who may go on where others are wrong too often

    async def who(self, authorization: Sequence[str], login: str, remote: str | None) -> Known | Refusal:
        """Who asks; `login` is a name whose password was right.

        Raises:
            StoreUnavailable: the tokens cannot be looked at just now.
        """
        written = bearer(authorization)
        if written is not None and (self.people.users or written.startswith(PREFIX)):
            return await self._by_token(written, remote)
        if login:
            return self._by_login(login, remote)
        if not self.people.users:
            return Known(anybody(""))
        return Refusal(401, "no_proof", f"this receiver asks who calls: {WAY_IN}", CHALLENGE)

    def _by_login(self, login: str, remote: str | None) -> Known | Refusal:
        if not self.people.users:
            return Known(anybody(login))
        found = self.people.principal(login)
        if found is not None:
            return Known(found)
        detail = f"{login} of --web.config.file is no user of the configuration: add users.{login}, or use a token"
        return self._refused(Refusal(403, "unknown_user", detail), remote, wrong=False)

    async def _by_token(self, written: str, remote: str | None) -> Known | Refusal:
        digest = digest_of(written)
        wait = self._attempts.wait_seconds(remote)
        if wait and digest not in self._right:
            detail = f"too many wrong tokens came from {remote}; try again in {wait:.0f} s"
            return Refusal(429, "too_many", detail, {"Retry-After": f"{wait:.0f}"})
        name = id_of(written)
        token = await self._tokens.one(name) if name is not None else None
        if token is None or not token.fits(written):
            detail = (
                f"this token is none that the receiver knows: it is altered, of another receiver, or gone; {WAY_IN}"
            )
            return self._refused(Refusal(401, "wrong_proof", detail, CHALLENGE), remote)
        now = self._clock.now()
        status = token.status(now)
        principal = self.people.principal(token.user)
        if status != "active":
            at = token.revoked_at or token.expires_at
            detail = f"the token {token.id} of {token.user} {_WAS[status]} {at:%Y-%m-%d %H:%M} UTC; {WAY_IN}"
            return self._refused(Refusal(401, status, detail, CHALLENGE), remote)
        if principal is None:
            detail = f"{token.user}, whose token {token.id} is, is no user of the configuration any more"
            return self._refused(Refusal(401, "unknown_user", detail, CHALLENGE), remote)
        self._remember(digest)
        with suppress(StoreUnavailable):  # whoever may read goes on reading while nothing can be written
            await self._tokens.used(token, now)
        return Known(principal.restricted(token.scopes, token.tenants), token)

    def _refused(self, refusal: Refusal, remote: str | None, *, wrong: bool = True) -> Refusal:
        if wrong and self._attempts.failed(remote):
            log.warning("a proof is refused; more from there are only counted", reason=refusal.reason, remote=remote)
        return refusal

    def _remember(self, digest: bytes) -> None:
        self._right[digest] = None
        self._right.move_to_end(digest)
        if len(self._right) > MOST_REMEMBERED:
            self._right.popitem(last=False)


_WAS = {"expired": "expired on", "revoked": "was revoked on"}
