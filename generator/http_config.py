"""`--http.config.file`: how a Prometheus is asked, in the format of Prometheus's own clients and of promtool.

Source: prometheus/common config/http_config.go (docs: `<http_config>`), without OAuth 2. A secret stands in a file, or
is one environment variable: `password: ${NAME}`.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tocsin import yamltree
from tocsin.config import Settings, read_secret, validate
from tocsin.errors import TocsinError
from tocsin.problem import Problem, has_errors
from tocsin.yamltree import Document, YamlPath

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
FILES = {
    "password": "write password_file: <file>",
    "credentials": "write credentials_file: <file>",
    "bearer_token": "write authorization: {credentials_file: <file>}",
    "secrets": "write files: [<file>]",
}
VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


def _refuse(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("http", "{message}", {"message": message, "hint": hint})


class BasicAuth(Settings):
    """A name and a password."""

    username: str = ""
    username_file: Path | None = None
    password: str = ""
    password_file: Path | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("username", "password"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                raise _refuse(f"has {name} and {name}_file", "keep one of them")
        return self

    def header(self) -> str:
        name = read_secret(self.username_file) if self.username_file else self.username
        password = read_secret(self.password_file) if self.password_file else self.password
        return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


class Authorization(Settings):
    """`Authorization: <type> <credentials>`."""

    type: Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")] = "Bearer"
    credentials: str = ""
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _credentials_once(self) -> Self:
        if bool(self.credentials) == bool(self.credentials_file):
            raise _refuse("needs credentials_file, or credentials from the environment", "write credentials_file")
        if self.type.lower() == "basic":
            raise _refuse("type Basic is what basic_auth is for", "write basic_auth, with username and password_file")
        return self

    def header(self) -> str:
        return f"{self.type} {read_secret(self.credentials_file) if self.credentials_file else self.credentials}"


class Tls(Settings):
    """Whom we believe, and which certificate we show."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"

    @model_validator(mode="after")
    def _works(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise _refuse("cert_file and key_file belong together", "write both")
        for file in (self.ca_file, self.cert_file, self.key_file):
            if file is not None and not os.access(file, os.R_OK):
                raise _refuse(f"{file}: cannot be read", "paths count from the configuration's folder")
        try:
            self.context()
        except (ssl.SSLError, OSError) as error:
            hint = "each file holds PEM, and the key is the certificate's"
            raise _refuse(f"TLS cannot be set up with this: {error}", hint) from error
        return self

    def context(self) -> ssl.SSLContext:
        """A new context from the files as they are now."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = VERSIONS[self.min_version]
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Header(Settings):
    """What one header holds, in this order."""

    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


class HttpConfig(Settings):
    """The whole file."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: Tls = Field(default_factory=Tls)
    http_headers: dict[HeaderName, Header] = Field(default_factory=dict)
    proxy_url: str | None = None
    proxy_from_environment: bool = False
    follow_redirects: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.basic_auth and self.authorization:
            raise _refuse("has basic_auth and authorization", "keep one of them")
        if self.authorizes and any(name.lower() == "authorization" for name in self.http_headers):
            raise _refuse("http_headers has Authorization, too", "keep one of them")
        return self

    @property
    def authorizes(self) -> bool:
        return self.basic_auth is not None or self.authorization is not None

    def headers(self) -> Iterator[tuple[str, str]]:
        """The headers of every request; secrets are read now.

        Raises:
            TocsinError: a secret cannot be read.
        """
        given = self.basic_auth or self.authorization
        if given:
            yield "Authorization", given.header()
        for name, header in self.http_headers.items():
            for value in (*header.values, *header.secrets, *map(read_secret, header.files)):
                yield name, value


def read(file: Path, environment: Mapping[str, str] = os.environ) -> tuple[HttpConfig | None, list[Problem]]:
    """The file, or what is wrong with it: also where a secret stands in it, or cannot be read."""
    documents, problems = yamltree.read(file)
    if has_errors(problems) or not documents:
        return (None, problems) if problems else (HttpConfig(), [])
    document = documents[0]
    problems += [_bare(document, path) for path in _secrets(document.data, ())]
    if problems:
        return None, problems
    config, problems = validate(_placed(document, file.parent), HttpConfig, environment)
    if config is not None:
        try:
            list(config.headers())
        except TocsinError as error:
            hint = "write the secret into the file, on one line"
            return None, [Problem("online", str(error), document.at(), hint)]
    return config, problems


def _secrets(data: Any, path: YamlPath) -> Iterator[YamlPath]:
    """Where a secret stands in plain sight."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        secret = FILES.keys() & {key, *path[-1:]}
        if secret and isinstance(value, str | int | float) and not VARIABLE.fullmatch(str(value)):
            yield (*path, key)
        yield from _secrets(value, (*path, key))


def _bare(document: Document, path: YamlPath) -> Problem:
    key = next(str(step) for step in reversed(path) if step in FILES)
    hint = f"{FILES[key]}, or ${{NAME}} of the environment"
    return Problem("secret", f"{key} stands in the file itself", document.at(*path), hint)


def _placed(document: Document, folder: Path) -> Document:
    """Headers' files count from the configuration's folder, as every `*_file` does."""
    headers = document.data.get("http_headers") if isinstance(document.data, dict) else None
    for header in headers.values() if isinstance(headers, dict) else ():
        files = header.get("files") if isinstance(header, dict) else None
        if isinstance(files, list):
            header["files"] = [str(folder / name) if isinstance(name, str) else name for name in files]
    return document
