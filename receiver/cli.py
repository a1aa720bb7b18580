"""What the receiver's client commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.client import Client

Url = Annotated[str | None, typer.Option("--url", help="The receiver. Default: TOCSIN_URL or http://127.0.0.1:9095.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so. Default: the user you are logged in as.")]


def client(url: str | None) -> Client:
    from tocsin.client import Client

    return Client.from_environment(url)


def who(by: str | None) -> str:
    """Who says so: whoever was named, or the user."""
    from tocsin.client import user

    return by or user()


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
