"""Who may send: a source proves itself by its request's head or its certificate, before anything of the body is read.

Each kind of proof is a class here, its settings in `sources.py`, and a line in `_proofs`: a bearer token (RFC
6750), a name and a password (RFC 7617), a client certificate that TLS has verified.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

import structlog

from receiver.web.sources import TOKEN, SourceSettings, read_token
from tocsin.config import read_secret
from tocsin.passwords import basic_credentials

log = structlog.get_logger("receiver.web")

BEARER = re.compile(rf"bearer +({TOKEN.pattern})", re.IGNORECASE)  # RFC 9110, 11.1: a scheme has no case
MAX_LOGGED = 100  # anybody can make names up; the log does not grow with them

Reason = Literal["no_proof", "wrong_proof", "unknown_source"]
Tenants = frozenset[str] | None  # None: every tenant


@dataclass(frozen=True, slots=True)
class Given:
    """What a request gives as a proof: its `Authorization` headers, the names of its verified certificate."""

    authorization: Sequence[str] = ()
    certificate: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bearer:
    """`holds`, as that of every proof, says whether a request proves it; None: it does not even try."""

    token: bytes = field(repr=False)
    tenants: Tenants = None

    wanted: ClassVar[str] = "one header 'Authorization: Bearer TOKEN'; in alertmanager.yml: http_config.authorization"
    challenge: ClassVar[str] = 'Bearer realm="tocsin"'

    def holds(self, given: Given) -> bool | None:
        found = BEARER.fullmatch(given.authorization[0].strip(" \t")) if len(given.authorization) == 1 else None
        return None if found is None else hmac.compare_digest(found[1].encode("ascii"), self.token)


@dataclass(frozen=True, slots=True)
class Login:
    """A name and a password."""

    credentials: bytes = field(repr=False)  # name:password
    tenants: Tenants = None

    wanted: ClassVar[str] = "a name and a password; in alertmanager.yml: http_config.basic_auth"
    challenge: ClassVar[str] = 'Basic realm="tocsin", charset="UTF-8"'

    def holds(self, given: Given) -> bool | None:
        found = basic_credentials(given.authorization)
        return None if found is None else hmac.compare_digest(":".join(found).encode("utf-8"), self.credentials)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A name in a certificate that TLS has verified."""

    name: str
    tenants: Tenants = None

    wanted: ClassVar[str] = "a certificate with one of its names; in alertmanager.yml: http_config.tls_config"
    challenge: ClassVar[str] = ""

    def holds(self, given: Given) -> bool | None:
        return self.name in given.certificate if given.certificate else None


AnyProof = Bearer | Login | Certificate


@dataclass(frozen=True, slots=True)
class Accepted:
    """The sender is who it says, and may speak for these tenants (None: for every one)."""

    tenants: Tenants = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away. No part of it holds what the sender gave as a proof."""

    status: int
    reason: Reason
    detail: str
    challenges: tuple[str, ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """A 401 tells which proof is wanted (RFC 9110, 15.5.2)."""
        return {"WWW-Authenticate": ", ".join(self.challenges)} if self.challenges else {}


class Authentication:
    """The configured sources; with none, everybody may send, for every tenant."""

    def __init__(self, proofs: Mapping[str, Sequence[AnyProof]]) -> None:
        self._proofs = proofs

    @classmethod
    def read(cls, sources: Mapping[str, SourceSettings]) -> Self:
        """Reads every token and password.

        Raises:
            TocsinError: one of them cannot be read.
        """
        return cls({name: list(_proofs(settings)) for name, settings in sources.items()})

    @property
    def configured(self) -> bool:
        """Whether anybody is asked."""
        return bool(self._proofs)

    def check(self, source: str, given: Given) -> Accepted | Refusal:
        """Whether a source has proved itself, and for whom it then may speak."""
        if not self._proofs:
            return Accepted()
        if source not in self._proofs:
            return Refusal(403, "unknown_source", f"the source {source} is not configured under sources")
        proofs = self._proofs[source]
        results = [proof.holds(given) for proof in proofs]  # each is asked: the time tells nothing of the others
        held = [proof.tenants for proof, result in zip(proofs, results, strict=True) if result]
        if held:
            return Accepted(_together(held))
        challenges = tuple(dict.fromkeys(proof.challenge for proof in proofs if proof.challenge))
        status = 401 if challenges else 403
        if any(result is not None for result in results):
            return Refusal(status, "wrong_proof", f"this proof is not one that sources.{source} has", challenges)
        wanted = " or ".join(dict.fromkeys(proof.wanted for proof in proofs))
        return Refusal(status, "no_proof", f"the source {source} needs {wanted}", challenges)


def _proofs(settings: SourceSettings) -> Iterable[AnyProof]:
    def speaks_for(own: tuple[str, ...] | None) -> Tenants:
        chosen = own or settings.tenants
        return None if chosen is None else frozenset(chosen)

    for one in settings.bearer_token_files:
        yield Bearer(read_token(one.token_file), speaks_for(one.tenants))
    for login in settings.basic_auth:
        credentials = f"{login.username}:{read_secret(login.password_file)}".encode()
        yield Login(credentials, speaks_for(login.tenants))
    for certificate in settings.client_certificates:
        yield Certificate(certificate.name, speaks_for(certificate.tenants))


def _together(tenants: Sequence[Tenants]) -> Tenants:
    """Who proves more than one thing may speak for the tenants of each."""
    if any(one is None for one in tenants):
        return None
    return frozenset().union(*(one for one in tenants if one is not None))


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
