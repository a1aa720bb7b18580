"""Options that name a Prometheus and say how it is asked, and what is wrong with what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.http_config import HttpConfig

HttpConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--http.config.file",
        metavar="FILE",
        readable=False,
        help="How to ask it: basic_auth, authorization, tls_config, http_headers, as promtool has it.",
    ),
]


def address(url: str, option: str = "--prometheus.url", example: str = "http://127.0.0.1:9090") -> str:
    """The address without a slash at its end.

    Raises:
        UsageError: it is missing, or no address of a server, or something stands in it that could be a secret.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{option}: {url!r} is no address; write {example}" if url else f"name it: {option} {example}")
    if parts.username is not None or parts.password is not None:
        hint = "others can read it there; write it into a file: basic_auth in --http.config.file"
        raise UsageError(f"{option}: a name or password stands in the address; {hint}")
    if parts.query or parts.fragment:
        raise UsageError(f"{option}: an address has no question and no fragment; write {example}")
    return url.rstrip("/")


def address_if_any(url: str, http_config: Path | None) -> str:
    """The address of the server to ask; nothing where none is given.

    Raises:
        UsageError: it is none, or `http_config` has no server to ask.
    """
    if not url and http_config:
        raise UsageError("--http.config.file: says how to ask a server; name it: --prometheus.url")
    return address(url) if url else ""


def http_of(file: Path | None) -> HttpConfig:
    """How a server is asked; plainly, where no file says otherwise.

    Raises:
        InputError: with every problem of the file.
    """
    from tocsin.errors import InputError
    from tocsin.http_config import HttpConfig, read

    http, problems = read(file) if file else (HttpConfig(), [])
    if http is None:
        raise InputError(problems)
    return http
