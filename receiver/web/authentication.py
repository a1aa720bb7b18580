"""Who may send: a source proves itself by its request's headers, before anything of the body is read.

A bearer token (RFC 6750) is the one proof there is. Another kind gets its settings in `SourceSettings` and its turn in
`Authentication.refusal`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import structlog
from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from receiver.reconcile.settings import ReconcileSettings
from tocsin.config import OneOrMore, Settings, read_secret
from tocsin.errors import TocsinError

log = structlog.get_logger("receiver.web")

TOKEN = re.compile(r"[!-~]+")
BEARER = re.compile(rf"bearer +({TOKEN.pattern})", re.IGNORECASE)  # RFC 9110, 11.1: a scheme has no case
CHALLENGE = 'Bearer realm="tocsin"'
MAX_LOGGED = 100  # anybody can make names up; the log does not grow with them

Reason = Literal["no_token", "wrong_token", "unknown_source"]


def read_token(file: Path) -> bytes:
    """The token in a file, without the white space around it.

    Raises:
        TocsinError: the file cannot be read, is empty, or holds what no header can carry.
    """
    token = read_secret(file).strip()
    if not token:
        raise TocsinError(f"{file}: the secret is empty")
    if not TOKEN.fullmatch(token):
        raise TocsinError(f"{file}: a token is one word of visible ASCII characters")
    return token.encode("ascii")


def _token_file(file: Path, info: ValidationInfo) -> Path:
    """The file, counted from the configuration's folder. It must hold a token: a start without it would lock out."""
    folder: Path = (info.context or {}).get("folder", Path())
    found = folder / file
    try:
        read_token(found)
    except TocsinError as error:
        hint = f"write the token into {found}; openssl rand -hex 32 makes one"
        raise PydanticCustomError("secret", "{error}", {"error": str(error), "hint": hint}) from error
    return found


class SourceSettings(Settings):
    """How one source proves itself."""

    bearer_token_files: OneOrMore[Annotated[Path, AfterValidator(_token_file)]]
    reconcile: ReconcileSettings | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away. No part of it holds what the sender gave as a proof."""

    status: int
    reason: Reason
    detail: str

    @property
    def headers(self) -> Mapping[str, str]:
        """A 401 tells which proof is wanted (RFC 9110, 15.5.2)."""
        return {"WWW-Authenticate": CHALLENGE} if self.status == 401 else {}


class Authentication:
    """The configured sources; with none, everybody may send."""

    def __init__(self, tokens: Mapping[str, Sequence[bytes]]) -> None:
        self._tokens = tokens

    @classmethod
    def read(cls, sources: Mapping[str, SourceSettings]) -> Self:
        """Reads every token file.

        Raises:
            TocsinError: one of them holds no token.
        """
        return cls({name: [read_token(file) for file in one.bearer_token_files] for name, one in sources.items()})

    def refusal(self, source: str, authorization: Sequence[str]) -> Refusal | None:
        """Why a source may not send, None if it may; `authorization` is every `Authorization` header of the request."""
        if not self._tokens:
            return None
        if source not in self._tokens:
            return Refusal(403, "unknown_source", f"the source {source} is not configured under sources")
        given = BEARER.fullmatch(authorization[0].strip(" \t")) if len(authorization) == 1 else None
        if given is None:
            wanted = "one header 'Authorization: Bearer TOKEN'; in alertmanager.yml: http_config.authorization"
            return Refusal(401, "no_token", f"the source {source} needs {wanted}")
        if not _is_one_of(given[1].encode("ascii"), self._tokens[source]):
            return Refusal(401, "wrong_token", f"this token is not one that sources.{source} has")
        return None


def _is_one_of(given: bytes, tokens: Sequence[bytes]) -> bool:
    """Compares with each token whatever the others said, so that the time tells nothing about them."""
    same = [hmac.compare_digest(given, token) for token in tokens]
    return any(same)


class RefusalLog:
    """Says once that a source is refused, for each reason, until it is accepted again."""

    def __init__(self) -> None:
        self._said: set[tuple[str, Reason]] = set()

    def refused(self, source: str, refusal: Refusal, remote: str | None) -> None:
        known = refusal.reason != "unknown_source"
        if (source, refusal.reason) in self._said or not (known or len(self._said) < MAX_LOGGED):
            return
        self._said.add((source, refusal.reason))
        log.warning("a source is refused", source=source, reason=refusal.detail, remote=remote)

    def accepted(self, source: str) -> None:
        before = {said for said in self._said if said[0] == source}
        if before:
            log.info("a source is accepted again", source=source)
        self._said -= before
