"""`tocsin rules tenants` and `tocsin rules set`: files of tenants begun, and values in people's files changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli import group

tenants = group("""Files of tenants: which packs, whose series, what differs.

\b
Example:
  tocsin rules tenants init acme --pack node --pack http
""")

Packs = Annotated[
    list[Path] | None,
    typer.Option(
        "--packs", metavar="PATH", readable=False, help="Where the packs are that do not ship; may be repeated."
    ),
]


@tenants.command()
def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tenant: lower-case letters, digits and '-'.")],
    pack: Annotated[list[str], typer.Option("--pack", metavar="PACK", help="A pack to choose; may be repeated.")],
    packs: Packs = None,
    tier: Annotated[str | None, typer.Option(metavar="TIER", help="Its tier.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; NAME.yml by default.")
    ] = None,
) -> None:
    """Writes a commented file for a new tenant, which builds as it stands.

    \b
    Example:
      tocsin rules tenants init acme --pack node --pack http
      tocsin rules tenants init acme --pack shop --packs packs/ -o tenants/acme.yml
    """
    from pydantic import ValidationError

    from generator.load import every_pack
    from generator.tenants import starter
    from tocsin.errors import UsageError
    from tocsin.files import replacing

    file = out or Path(f"{name}.yml")
    try:
        text = starter.text(name, starter.choose(pack, every_pack(packs or [])), tier)
    except ValidationError as error:
        detail = error.errors()[0]
        raise UsageError(f"{detail['msg']}; {detail.get('ctx', {}).get('hint', 'choose another')}") from None
    if file.exists():
        raise UsageError(f"{file}: exists already; choose another -o, or move it away")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}; choose another -o") from error
    typer.echo(f"wrote {file}; build it: tocsin rules build {file} -o rules/")


def set_value(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="A rulepack or a tenant file.")],
    param: Annotated[str, typer.Argument(metavar="PARAM", help="Its parameter; of a tenant, PACK.PARAM.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")],
    packs: Packs = None,
) -> None:
    """Sets a parameter in a file, within its bounds; comments and order stay as they are.

    \b
    Example:
      tocsin rules set packs/node.yml cpu_percent 85
      tocsin rules set tenants/acme.yml shop.busy_percent 95 --packs packs/
    """
    from generator.editing import set_param
    from tocsin.problem import as_text

    edit = set_param(file, param, value, packs or [])
    if edit.problems:
        typer.echo(as_text(edit.problems), err=True)
        typer.echo(f"changed nothing in {file}")
        raise typer.Exit(1)
    was = "" if edit.before is None else f" (was {edit.before})"
    typer.echo(f"{file}: {param} is {edit.after}{was}")
