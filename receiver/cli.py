"""What the receiver's client commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.client import Client

DEFAULT_FOLDER = Path("data/receiver")  # where the store lies

Url = Annotated[str | None, typer.Option("--url", help="The receiver. Default: TOCSIN_URL or http://127.0.0.1:9095.")]
By = Annotated[
    str | None,
    typer.Option("--by", help="Who says so. Default: whose token it is, else the user you are logged in as."),
]


def client(url: str | None) -> Client:
    from tocsin.client import Client

    return Client.from_environment(url)


def who(by: str | None, url: str | None = None) -> str:
    """Who says so: whoever was named, or whoever asks by that URL."""
    return by or client(url).asks_as()


def agreed(question: str, *, yes: bool) -> bool:
    """Whether whoever sits at the terminal says yes, or has said so by --yes.

    Raises:
        UsageError: nobody can be asked.
    """
    import sys

    from tocsin.errors import UsageError

    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here: add --yes once you have seen the plan")
    return typer.confirm(question)


def show(output: str, data: Any, text: Callable[[], str]) -> None:
    """Prints data as JSON, or as text for people."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False) if output == "json" else text())


def write(text: str, out: Path) -> None:
    """Writes what a command's --output asks for, whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    from tocsin.errors import UsageError
    from tocsin.files import replacing

    try:
        with replacing(out) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}; choose another --output") from error


def write_secret(text: str, out: Path) -> None:
    """Writes a secret for its owner alone, whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    import os

    from tocsin.errors import UsageError
    from tocsin.files import replacing

    before = os.umask(0o177)
    try:
        with replacing(out) as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}; choose another --output") from error
    finally:
        os.umask(before)
