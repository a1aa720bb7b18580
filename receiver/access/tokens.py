"""API tokens: how they are made, written and recognised.

A token is `tocsin_`, its id, `_`, and 256 random bits. The store keeps a SHA-256 of all of it and nothing else: what
is that random cannot be guessed from its hash, however fast hashing is, so that a slow hash (bcrypt, as for
passwords) would protect nothing and only cost every request its time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from receiver.access.principal import SCOPES, Principal, Tenants
from tocsin.errors import TocsinError

PREFIX = "tocsin_"
SECRET_BYTES = 32
WRITTEN = re.compile(rf"{PREFIX}([a-z2-7]{{12}})_[A-Za-z0-9_-]{{43}}")
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

DEFAULT_LIFE = timedelta(days=90)
LONGEST_LIFE = timedelta(days=365)


class NotGranted(TocsinError):
    """A token cannot be made so; the message tells why and the way out."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. `tenants`: None means those of its user."""

    id: str
    user: str
    scopes: frozenset[str]
    tenants: Tenants
    note: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    digest: bytes = field(repr=False)
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""

    def fits(self, written: str) -> bool:
        """Whether this is the token that somebody gave; takes the same time however much of it is right."""
        return hmac.compare_digest(digest_of(written), self.digest)

    def status(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now < self.expires_at else "expired"


def digest_of(written: str) -> bytes:
    """What the store keeps of a token."""
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).digest()


def id_of(written: str) -> str | None:
    """The id in a token as people give it; None: it is none of ours."""
    found = WRITTEN.fullmatch(written)
    return None if found is None else found[1]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The token that somebody asks for. `tenants`: None for all of the user's."""

    user: str
    scopes: frozenset[str]
    tenants: Tenants = None
    life: timedelta = DEFAULT_LIFE
    note: str = ""


def issue(
    wanted: Wanted,
    user: Principal | None,
    *,
    by: str,
    now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[Token, str]:
    """A new token of a user, and how it is written: this once.

    Raises:
        NotGranted: there is no such user, or they may not do all of it themselves.
    """
    if user is None:
        raise NotGranted(f"there is no user {wanted.user}; add it under users in the configuration and reload")
    if not timedelta() < wanted.life <= LONGEST_LIFE:
        raise NotGranted(f"a token lives for up to {LONGEST_LIFE.days} days; give it --expires 90d, say")
    _has(user, wanted)
    name = "".join(ID_LETTERS[byte % 32] for byte in random_bytes(12))
    written = f"{PREFIX}{name}_{_text(random_bytes(SECRET_BYTES))}"
    token = Token(
        id=name,
        user=wanted.user,
        scopes=wanted.scopes,
        tenants=wanted.tenants,
        note=wanted.note,
        created_at=now,
        created_by=by,
        expires_at=now + wanted.life,
        digest=digest_of(written),
    )
    return token, written


def handed_on(wanted: Wanted, asking: Token, now: datetime) -> Wanted:
    """What a token may make of itself: not more than it has, for not longer.

    Raises:
        NotGranted: it would be more.
    """
    own = Principal(asking.user, asking.scopes, asking.tenants)
    tenants = asking.tenants if wanted.tenants is None else wanted.tenants
    limited = Wanted(wanted.user, wanted.scopes, tenants, min(wanted.life, asking.expires_at - now), wanted.note)
    _has(own, limited)
    return limited


def scopes_of(texts: Iterable[str]) -> frozenset[str]:
    """Scopes as people write them, also several in one text: `incidents:read,incidents:write`.

    Raises:
        NotGranted: one of them is none, or there are none.
    """
    found = [scope.strip() for text in texts for scope in text.split(",") if scope.strip()]
    unknown = [scope for scope in found if scope not in SCOPES]
    if unknown or not found:
        what = f"{unknown[0]!r} is no scope" if unknown else "a token needs a scope"
        raise NotGranted(f"{what}; there are {', '.join(sorted(SCOPES))}")
    return frozenset(found)


def _has(user: Principal, wanted: Wanted) -> None:
    """Raises NotGranted unless somebody has all that a token shall have."""
    for scope in sorted(wanted.scopes):
        own = user.tenants_for(scope)
        if own is not None and not own:
            theirs = ", ".join(sorted(user.scopes)) or "none"
            raise NotGranted(
                f"{user.name} may not do {scope} (theirs: {theirs}); leave it out, or give the user a role"
            )
        beyond = sorted((wanted.tenants or frozenset()) - own) if own is not None else []
        if beyond:
            raise NotGranted(
                f"{user.name} may do {scope} for {', '.join(sorted(own or ()))} only, not for {beyond[0]}; "
                "leave that tenant out, or give the user a role"
            )


def _text(random: bytes) -> str:
    return urlsafe_b64encode(random).decode("ascii").rstrip("=")
