"""The settings of sources: who may send webhooks, how each proves itself, and for which tenants it may speak."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from receiver.reconcile.settings import ReconcileSettings
from tocsin.config import OneOrMore, Settings, read_secret
from tocsin.errors import TocsinError

TOKEN = re.compile(r"[!-~]+")


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


def _password_file(file: Path) -> Path:
    try:
        read_secret(file)
    except TocsinError as error:
        hint = f"write the password into {file}, on one line"
        raise PydanticCustomError("secret", "{error}", {"error": str(error), "hint": hint}) from error
    return file


def _as_object(value: Any) -> Any:
    """A token's file may stand alone."""
    return {"token_file": value} if isinstance(value, (str, Path)) else value


TenantNames = OneOrMore[Annotated[str, StringConstraints(min_length=1, max_length=200)]]


class TokenSettings(Settings):
    """A bearer token, and for whom it may speak."""

    token_file: Annotated[Path, AfterValidator(_token_file)]
    tenants: TenantNames | None = None


class LoginSettings(Settings):
    """A name and a password, and for whom they may speak."""

    username: Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f]+$")]
    password_file: Annotated[Path, AfterValidator(_password_file)]
    tenants: TenantNames | None = None


class CertificateSettings(Settings):
    """A name that a client's certificate must bear, and for whom it may speak."""

    name: Annotated[str, StringConstraints(min_length=1)]
    tenants: TenantNames | None = None


class SourceSettings(Settings):
    """How one source proves itself: any one of its proofs is enough."""

    bearer_token_files: tuple[Annotated[TokenSettings, BeforeValidator(_as_object)], ...] = ()
    basic_auth: tuple[LoginSettings, ...] = ()
    client_certificates: tuple[CertificateSettings, ...] = ()
    tenants: TenantNames | None = Field(None, description="For proofs without tenants of their own.")
    reconcile: ReconcileSettings | None = None

    @model_validator(mode="after")
    def _has_a_proof(self) -> Self:
        if not (self.bearer_token_files or self.basic_auth or self.client_certificates):
            hint = "add bearer_token_files, basic_auth or client_certificates; leave the source out to refuse it"
            raise PydanticCustomError("proof", "a source needs a proof", {"hint": hint})
        return self
