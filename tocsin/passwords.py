"""HTTP basic authentication: what a header says, and whether a password fits a bcrypt hash."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import bcrypt

REMEMBERED = 100  # right passwords; each check costs tens of milliseconds by design
NOBODY = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"  # an unknown user takes as long as a known one


def basic_credentials(authorization: Sequence[str]) -> tuple[str, str] | None:
    """User and password of the one `Authorization: Basic` header (RFC 7617), None where there is none to read."""
    if len(authorization) != 1:
        return None
    scheme, _, encoded = authorization[0].strip(" \t").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


class Passwords:
    """Checks passwords against bcrypt hashes, off the event loop, one at a time; right ones are remembered.

    Source: prometheus/exporter-toolkit web/handler.go, which keeps its cache and its one check at a time likewise.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)  # what is remembered is of no use outside this process
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turn = asyncio.Lock()

    async def fits(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Whether a user is one of `users` (name to bcrypt hash) and this is the password."""
        known, hashed = user in users, users.get(user, NOBODY)
        seen = self._seen(user, hashed, password)
        if seen in self._right:
            self._right.move_to_end(seen)
            return known
        async with self._turn:
            right = await asyncio.to_thread(_check, password.encode("utf-8", "surrogatepass"), hashed.encode("ascii"))
        if right and known:
            self._right[seen] = None
            if len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return right and known

    def known(self, users: Mapping[str, str], user: str, password: str) -> bool:
        """Whether this was seen to be right before, which costs nothing to say."""
        return user in users and self._seen(user, users[user], password) in self._right

    def _seen(self, user: str, hashed: str, password: str) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in (user, hashed, password):
            digest.update(blake2b(part.encode("utf-8", "surrogatepass")).digest())
        return digest.digest()


def _check(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, hashed)
    except ValueError:  # longer than bcrypt takes, or with a zero byte
        return False
