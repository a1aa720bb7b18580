"""`tocsin config check`: the configuration files of every component, found by entry point."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

from tocsin.cli import group
from tocsin.options import Output

config = group("""Check configuration files.

\b
Example:
  tocsin config check receiver.yml
""")


@config.callback()
def _group() -> None:
    """Keeps `config` a group while it has one command."""


@config.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The configuration file.")],
    kind: Annotated[str | None, typer.Option("--kind", help="Whose file it is; guessed from its keys.")] = None,
    output: Output = "text",
) -> None:
    """Checks a configuration file and shows every problem with its place.

    \b
    Example:
      tocsin config check receiver.yml
    """
    from tocsin import yamltree
    from tocsin.config import validate
    from tocsin.problem import as_json, as_text, has_errors

    kinds = _kinds()
    if kind is not None and kind not in kinds:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(sorted(kinds))}", param_hint="--kind")
    documents, problems = yamltree.read(file)
    chosen = kind
    if documents and not has_errors(problems):
        chosen = kind or _guess(documents[0].data, kinds)
        problems += validate(documents[0], kinds[chosen], os.environ)[1]
    if output == "json":
        typer.echo(as_json(problems))
    elif problems:
        typer.echo(as_text(problems), err=True)
    else:
        typer.echo(f"{file}: a valid {chosen or 'empty'} configuration")
    raise typer.Exit(int(has_errors(problems)))


def _kinds() -> dict[str, type[BaseModel]]:
    from importlib.metadata import entry_points

    return {entry.name: entry.load() for entry in entry_points(group="tocsin.configs")}


def _guess(data: Any, kinds: dict[str, type[BaseModel]]) -> str:
    """The kind that knows most of the file's top-level keys."""
    keys = set(data) if isinstance(data, dict) else set()
    return max(sorted(kinds), key=lambda name: len(keys & set(kinds[name].model_fields)))
