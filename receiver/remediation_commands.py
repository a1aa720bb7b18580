"""`tocsin remediation`: stops everything at once, and lets it go on."""

from __future__ import annotations

from typing import Annotated

import typer

from receiver.cli import By, Url, client, show, who
from tocsin.cli import group
from tocsin.options import Output

remediation = group("""Stop all runbooks of every tenant at once, and let them go on.

\b
Example:
  tocsin remediation stop --reason "the cluster is being moved"
  tocsin remediation start
""")


@remediation.command()
def stop(
    reason: Annotated[str, typer.Option(help="Why; whoever looks reads it.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lets no run and no step begin any more; a step that has begun goes on to its end.

    \b
    Example:
      tocsin remediation stop --reason "the cluster is being moved"
    """
    told = client(url).stop_remediation(reason, by=who(by, url))
    already = f"all remediation is stopped already, by {told['by']}: {told['reason']}"
    show(output, told, lambda: "all remediation is stopped: nothing begins any more" if told["changed"] else already)


@remediation.command()
def start(by: By = None, url: Url = None, output: Output = "text") -> None:
    """Lets runs begin again; those that ended meanwhile stay as they are.

    \b
    Example:
      tocsin remediation start
    """
    told = client(url).start_remediation(by=who(by, url))
    show(output, told, lambda: "remediation goes on" if told["changed"] else "nothing had stopped it")


@remediation.command()
def status(url: Url = None, output: Output = "text") -> None:
    """Says whether all is stopped, by whom and why, and when it was before.

    \b
    Example:
      tocsin remediation status
    """
    from receiver.show_run_records import switch
    from receiver.show_runbooks import terminal_width

    told = client(url).remediation()
    show(output, told, lambda: switch(told, terminal_width()))
