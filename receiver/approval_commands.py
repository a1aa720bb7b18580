"""`tocsin runbooks approvals`: what waits for somebody's yes, and that yes or no."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from receiver.cli import By, Url, agreed, client, show, who
from tocsin.cli import group
from tocsin.options import Output

approvals = group("""See what waits for approval, and say yes or no to it.

\b
Example:
  tocsin runbooks approvals list
  tocsin runbooks approvals approve 7q1m4d
  tocsin runbooks approvals reject 7q1m4d --reason "not during the sale"
""")

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.")]


@approvals.command("list")
def list_(url: Url = None, output: Output = "text") -> None:
    """Lists what waits, each with exactly what it would do.

    \b
    Example:
      tocsin runbooks approvals list
    """
    from receiver.show_run_records import approval_list
    from receiver.show_runbooks import terminal_width

    found = list(client(url).approvals())
    show(output, {"items": found}, lambda: approval_list(found, terminal_width()))


@approvals.command()
def approve(
    run: Run,
    plan: Annotated[
        str | None, typer.Option(metavar="HASH", help="The plan that you have seen. Default: the one shown now.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: the plan has been seen.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the record.")] = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Shows the plan, asks, and agrees with exactly that; a plan that has become another is refused.

    \b
    Example:
      tocsin runbooks approvals approve 7q1m4d
      tocsin runbooks approvals approve 7q1m4d --plan 5f0c2e9d1b7a46c3e8f09d21 --yes
    """
    from receiver.show_run_records import approval_lines
    from receiver.show_runbooks import terminal_width

    receiver = client(url)
    waits = _waiting(receiver, run)
    typer.echo("\n".join(approval_lines(waits, terminal_width())), err=output == "json")
    if not agreed(f"Agree with {waits['runbook']} on {waits['target']}?", yes=yes):
        typer.echo("nothing was said", err=True)
        raise typer.Exit(1)
    answer = receiver.approve_run(waits["id"], plan or waits["plan_hash"], by=who(by, url), reason=reason)
    show(output, answer, lambda: f"\n{answer['id']}: {answer['message']}")


def _waiting(receiver: Any, run: str) -> dict[str, Any]:
    """The run that waits, with its plan.

    Raises:
        TocsinError: it does not wait, or there are several of that beginning.
    """
    from receiver.show_run_records import how_it_is
    from tocsin.errors import TocsinError

    found: list[dict[str, Any]] = [one for one in receiver.approvals() if one["id"].startswith(run.lower())]
    if len(found) > 1:
        raise TocsinError(f"more than one run begins with {run}: {', '.join(one['id'] for one in found)}")
    if not found:
        known = receiver.run_record(run)
        raise TocsinError(f"{known['id']} does not wait for approval: it is {how_it_is(known)}")
    return found[0]


@approvals.command()
def reject(
    run: Run,
    reason: Annotated[str, typer.Option(help="Why not; everybody who was asked reads it.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Says no: the run ends, and nothing of it is done.

    \b
    Example:
      tocsin runbooks approvals reject 7q1m4d --reason "not during the sale"
    """
    answer = client(url).reject_run(run, by=who(by, url), reason=reason)
    show(output, answer, lambda: f"{answer['id']} {answer['runbook']} on {answer['target']}: {answer['message']}")
