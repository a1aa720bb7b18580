"""`tocsin runbooks`: which there are, what they would do, that one is run, and what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from receiver.approval_commands import approvals
from receiver.cli import By, Url, agreed, client, show, who
from tocsin.cli import group
from tocsin.options import Output

runbooks = group("""See what runbooks would do, run them, approve them, and read what they did.

\b
Example:
  tocsin runbooks plan k3f9x2
  tocsin runbooks run k3f9x2 restart-deployment
  tocsin runbooks approvals list
  tocsin runbooks history
""")

runbooks.add_typer(approvals, name="approvals")

Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident's id, or its beginning.")]
Reason = Annotated[str | None, typer.Option(help="Why; it stands in the record.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config.file", readable=False, help="The receiver's configuration, with its overrides.")
]


@runbooks.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", readable=False, help="Files of runbooks; builtin:NAME ships.")
    ],
    config_file: ConfigFile = None,
    output: Output = "text",
) -> None:
    """Shows every problem of runbooks with its place; with a configuration also what they name and it does not have.

    \b
    Example:
      tocsin runbooks check runbooks/*.yml
      tocsin runbooks check runbooks/*.yml --config.file receiver.yml
    """
    from receiver.config import ReceiverConfig
    from receiver.remediate import checks
    from tocsin.config import load
    from tocsin.problem import as_json, as_text, has_errors, summary

    config = load(config_file, ReceiverConfig) if config_file else None
    problems = checks.check(files, config)
    if output == "json":
        typer.echo(as_json(problems))
    else:
        if problems:
            typer.echo(as_text(problems), err=True)
        typer.echo(f"{summary(problems)} in {len(files)} file{'' if len(files) == 1 else 's'}")
    raise typer.Exit(int(has_errors(problems)))


@runbooks.command("list")
def list_(config_file: ConfigFile = None, url: Url = None, output: Output = "text") -> None:
    """Lists the runbooks of a running receiver, or of a configuration file.

    \b
    Example:
      tocsin runbooks list
      tocsin runbooks list --config.file receiver.yml
    """
    from receiver.show_runbooks import runbook_list, terminal_width

    found = list(client(url).runbooks()) if config_file is None else _configured(config_file)
    show(output, {"items": found}, lambda: runbook_list(found, terminal_width()))


def _configured(file: Path) -> list[dict[str, Any]]:
    from receiver.config import ReceiverConfig
    from receiver.prepared import runbooks_of
    from receiver.web.runbook_shapes import runbook_json
    from tocsin.config import load

    return [{**runbook_json(one, None)} for _, one in sorted(runbooks_of(load(file, ReceiverConfig)).items())]


@runbooks.command()
def plan(incident: Incident, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Shows what each runbook that fits would do now, what each guard says and why not. Nothing is done.

    \b
    Example:
      tocsin runbooks plan k3f9x2
    """
    from receiver.show_runbooks import plans, terminal_width

    receiver = client(url)
    found = list(receiver.possible_runs(incident, by=who(by, url)))
    shown = receiver.incident(incident) if output == "text" else {}
    show(output, {"items": found}, lambda: plans(shown, found, terminal_width()))


@runbooks.command()
def run(
    incident: Incident,
    runbook: Annotated[
        str | None, typer.Argument(metavar="[RUNBOOK]", help="Its name. Default: the only one that fits.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="On which target, where there are several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only record what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: the plan has been seen.")] = False,
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Shows the plan, asks, and runs exactly that; where it needs approval, others are asked for it.

    \b
    Example:
      tocsin runbooks run k3f9x2
      tocsin runbooks run k3f9x2 restart-deployment --target shop/checkout --dry-run
    """
    from receiver.show_runbooks import plan_lines, terminal_width
    from tocsin.errors import UsageError

    receiver, name = client(url), who(by, url)
    possible = list(receiver.possible_runs(incident, by=name))
    chosen = _chosen(possible, runbook, target)
    typer.echo("\n".join(plan_lines(chosen, terminal_width())), err=output == "json")
    if chosen["plan"] is None:
        raise UsageError(f"{chosen['runbook']} cannot be planned: {chosen['refusal']}")
    if not dry_run and not agreed(f"Run {chosen['runbook']} on {chosen['target']}?", yes=yes):
        typer.echo("nothing was asked for", err=True)
        raise typer.Exit(1)
    answer = receiver.run_runbook(
        incident,
        chosen["runbook"],
        target=chosen["target"],
        dry_run=dry_run or None,
        plan_hash=None if dry_run else chosen["plan"]["plan_hash"],
        by=name,
        reason=reason,
    )
    goes_on = f"tocsin runbooks history {answer['id']} tells how it goes on"
    show(output, answer, lambda: f"\n{answer['id']}: {answer['message']}\n{goes_on}")


def _chosen(possible: list[dict[str, Any]], runbook: str | None, target: str | None) -> dict[str, Any]:
    """The one plan that is meant.

    Raises:
        UsageError: there is none, or there are several.
    """
    from tocsin.errors import UsageError

    def is_meant(one: dict[str, Any]) -> bool:
        return runbook in (None, one["runbook"]) and target in (None, one["target"])

    meant = [one for one in possible if is_meant(one)]
    meant = meant if len(meant) < 2 else [one for one in meant if one["plan"] is not None]
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(f"{one['runbook']} --target {one['target']}" for one in meant or possible)
    if meant:
        raise UsageError(f"several fit, say which: {names}")
    raise UsageError(f"no such runbook fits; those that do: {names or 'none'}")


@runbooks.command()
def history(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run's id, or its beginning.")] = None,
    incident: Annotated[str | None, typer.Option(help="Only those for this incident.")] = None,
    runbook: Annotated[str | None, typer.Option(help="Only those of this runbook.")] = None,
    target: Annotated[str | None, typer.Option(help="Only those on this target.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only those that ended so: succeeded, rolled_back, …")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists runs, newest first; with an id shows the whole record of one: who, what, with what, and what came of it.

    \b
    Example:
      tocsin runbooks history --incident k3f9x2
      tocsin runbooks history 7q1m4d
    """
    from itertools import islice

    from receiver.show_run_records import record, run_table
    from receiver.show_runbooks import terminal_width

    receiver = client(url)
    if run is not None:
        found = receiver.run_record(run)
        show(output, found, lambda: record(found, terminal_width()))
        return
    listed = receiver.runs(incident=incident, runbook=runbook, target=target, outcome=outcome)
    runs = list(islice(listed, limit))
    show(output, {"items": runs}, lambda: run_table(runs, terminal_width()))


@runbooks.command()
def cancel(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.")],
    reason: Reason = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Calls a run off that has not begun.

    \b
    Example:
      tocsin runbooks cancel 7q1m4d --reason "done by hand"
    """
    answer = client(url).cancel_run(run, by=who(by, url), reason=reason)
    show(output, answer, lambda: f"{answer['id']} {answer['runbook']} on {answer['target']}: {answer['message']}")
