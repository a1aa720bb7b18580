"""`tocsin alerts`: every alert that was taken in, told or held back."""

from __future__ import annotations

from typing import Annotated

import typer

from receiver.cli import Url, client, show
from tocsin.cli import group
from tocsin.options import Output

alerts = group("""See alerts: what fires, what has ended, what is held back and why.

\b
Example:
  tocsin alerts list --suppressed
""")


@alerts.callback()
def _alerts() -> None:
    """Keeps `alerts` a group while it has one command."""


@alerts.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help="firing, resolved or expired; default: every alert, newest first.")
    ] = None,
    suppressed: Annotated[bool, typer.Option("--suppressed", help="Only alerts that are held back.")] = False,
    incident: Annotated[str | None, typer.Option(help="Only alerts of this incident, by its whole id.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many. Default: all.")] = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists alerts, newest first, with the reason why one is held back.

    \b
    Example:
      tocsin alerts list --suppressed --status firing
    """
    from itertools import islice

    from receiver.show_held import alert_table

    found = list(islice(client(url).alerts(status=status, incident=incident, suppressed=suppressed or None), limit))
    show(output, {"items": found}, lambda: alert_table(found, suppressed=suppressed))
