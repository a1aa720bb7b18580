"""`tocsin demo`, where there is one: the demo belongs to the repository, not to the wheel.

It starts servers that `make tools` fetches from files that lie beside it (docker-compose.yml, its configuration, the
packs), and a package called `demo` has no place in other people's site-packages.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

HELP = """The whole loop on one machine; it is a part of Tocsin's repository, and not installed here.

\b
Example:
  tocsin demo
"""


class _Absent(TyperGroup):
    """Knows none of the demo's options, and says the same whatever it is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--help"] if "--help" in args else [])


def of(root: Path) -> typer.Typer:
    """The demo's own command, if a checkout lies there, and else one that says where it is."""
    if (root / "demo" / "command.py").is_file():
        app: typer.Typer = importlib.import_module("demo.command").demo
        return app
    absent = typer.Typer(
        cls=_Absent,
        help=HELP,
        invoke_without_command=True,
        subcommand_metavar="",
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    absent.callback()(_say_where)
    return absent


def _say_where() -> None:
    typer.echo("the demo is not installed: clone Tocsin's repository and say `make demo` there", err=True)
    raise typer.Exit(1)


demo = of(Path(__file__).resolve().parent.parent)
