"""How a server is asked, in the format of Prometheus's own clients and of promtool's `--http.config.file`.

Source: prometheus/common config/http_config.go (docs: `<http_config>`). A secret stands in a file, or is one
environment variable: `password: ${NAME}`.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tocsin import yamltree
from tocsin.config import Settings, read_secret, validate
from tocsin.errors import TocsinError
from tocsin.oauth2 import OAuth2
from tocsin.problem import Problem, has_errors
from tocsin.tls import Tls, refuse
from tocsin.yamltree import Document, YamlPath

FILES = {
    "password": "write password_file: <file>",
    "credentials": "write credentials_file: <file>",
    "client_secret": "write client_secret_file: <file>",
    "bearer_token": "write authorization: {credentials_file: <file>}",
    "secrets": "write files: [<file>]",
}
VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


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
                raise refuse(f"has {name} and {name}_file", "keep one of them")
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
            raise refuse("needs credentials_file, or credentials from the environment", "write credentials_file")
        if self.type.lower() == "basic":
            raise refuse("type Basic is what basic_auth is for", "write basic_auth, with username and password_file")
        return self

    def header(self) -> str:
        return f"{self.type} {read_secret(self.credentials_file) if self.credentials_file else self.credentials}"


class Header(Settings):
    """What one header holds, in this order."""

    values: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @field_validator("files")
    @classmethod
    def _beside_the_file(cls, files: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        """They count from the configuration's folder, as every `*_file` does."""
        folder = (info.context or {}).get("folder", Path())
        return tuple(folder / file for file in files)


class HttpConfig(Settings):
    """The whole file."""

    basic_auth: BasicAuth | None = Field(None, description="A name and a password.")
    authorization: Authorization | None = Field(None, description="A bearer token, or another type of credentials.")
    oauth2: OAuth2 | None = Field(None, description="A token that another server gives us.")
    tls_config: Tls = Field(default_factory=Tls, description="Whom we believe, and which certificate we show.")
    http_headers: dict[HeaderName, Header] = Field(default_factory=dict, description="Headers of every request.")
    proxy_url: str | None = Field(None, description="A proxy to go through.")
    proxy_from_environment: bool = Field(False, description="The one that HTTP_PROXY and its like name.")
    follow_redirects: bool = Field(True, description="Whether to go where the server points.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("basic_auth", "authorization", "oauth2") if getattr(self, name)]
        if len(given) > 1:
            raise refuse(f"has {' and '.join(given)}", "keep one of them")
        if self.authorizes and any(name.lower() == "authorization" for name in self.http_headers):
            raise refuse("http_headers has Authorization, too", "keep one of them")
        return self

    @property
    def authorizes(self) -> bool:
        return any((self.basic_auth, self.authorization, self.oauth2))

    def headers(self) -> Iterator[tuple[str, str]]:
        """The headers of every request, but for a token by OAuth 2; secrets are read now.

        Raises:
            TocsinError: a secret cannot be read.
        """
        given = self.basic_auth or self.authorization
        if given:
            yield "Authorization", given.header()
        for name, header in self.http_headers.items():
            for value in (*header.values, *header.secrets, *map(read_secret, header.files)):
                yield name, value


class KeptHttpConfig(HttpConfig):
    """The same as a part of a configuration that lies in Git: secrets stand in files of their own."""

    @model_validator(mode="after")
    def _secrets_in_files(self) -> Self:
        given = {
            "basic_auth.password": self.basic_auth and self.basic_auth.password,
            "authorization.credentials": self.authorization and self.authorization.credentials,
            "oauth2.client_secret": self.oauth2 and self.oauth2.client_secret,
            "http_headers.….secrets": any(header.secrets for header in self.http_headers.values()),
        }
        for name, value in given.items():
            if value:
                hint = "write files: [<file>]" if name.endswith("secrets") else f"write {name.split('.')[1]}_file"
                raise PydanticCustomError("secret", "{name} stands in the file itself", {"name": name, "hint": hint})
        return self


def read(file: Path, environment: Mapping[str, str] = os.environ) -> tuple[HttpConfig | None, list[Problem]]:
    """The file, or what is wrong with it: also where a secret stands in it, or cannot be read."""
    documents, problems = yamltree.read(file)
    if has_errors(problems) or not documents:
        return (None, problems) if problems else (HttpConfig(), [])
    document = documents[0]
    problems += [_bare(document, path) for path in _secrets(document.data, ())]
    if problems:
        return None, problems
    config, problems = validate(document, HttpConfig, environment)
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
