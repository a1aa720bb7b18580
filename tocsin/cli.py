"""The `tocsin` command: finds the components' subcommands by entry point and runs one.

Nothing heavy is imported here, nor by the command modules before a command runs: `tocsin --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from typing import NoReturn

import typer

from tocsin import __version__
from tocsin.errors import InputError, TocsinError

HELP = """The companion of Prometheus and Alertmanager: rules from packs in Git, incidents that reach a person.

\b
Example:
  tocsin rules build rulepacks/ -o rules/
  tocsin receiver run --config.file receiver.yml
"""


def group(help_text: str) -> typer.Typer:
    """A command group as all of ours are: no rich, no completion set-up, plain help."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


def build() -> typer.Typer:
    """The whole command tree."""
    app = group(HELP)
    app.command("version")(version)
    app.add_typer(config_commands(), name="config")
    for entry in sorted(entry_points(group="tocsin.commands"), key=lambda entry: entry.name):
        app.add_typer(entry.load(), name=entry.name)
    return app


def version() -> None:
    """Prints the version.

    \b
    Example:
      tocsin version
    """
    print(f"tocsin {__version__} (python {sys.version.split()[0]})")  # noqa: T201 - what the command is for


def config_commands() -> typer.Typer:
    from tocsin.config_command import config

    return config


def main() -> NoReturn:
    """Runs the command line; an error of ours is one clear line, never a traceback."""
    try:
        build()(standalone_mode=True)
    except InputError as error:
        from tocsin.problem import as_text

        fail(as_text(error.problems), error.exit_code)
    except TocsinError as error:
        fail(f"tocsin: {error}", error.exit_code)
    except BrokenPipeError:  # `tocsin … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    raise SystemExit(0)


def fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise SystemExit(code)
