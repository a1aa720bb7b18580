"""`tocsin rules plan`, `apply` and `drift`: rules brought to where they run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from generator.delivery.options import Options, misplaced, taking_options
from generator.diff_command import Report, diff
from tocsin.options import Output

if TYPE_CHECKING:
    from generator.delivery.apply import Progress, State
    from generator.delivery.delivering import Delivery
    from generator.delivery.destination import Piece
    from generator.delivery.drift import Drift
    from generator.delivery.plan import Step
    from generator.delivery.registry import Kind
    from generator.emit import File

OTHERWISE = 3  # what runs, or is held, is not what was built
INTERRUPTED = 130

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", readable=False, help="Rulepacks, tenant files, and folders of them.")
]
Prune = Annotated[bool, typer.Option(help="Remove what is Tocsin's and no pack makes any more.")]


def register(rules: typer.Typer) -> None:
    """Adds the commands to `tocsin rules`."""
    commands: Mapping[str, Callable[..., None]] = {
        "diff": diff,
        "plan": taking_options(plan),
        "apply": taking_options(apply),
        "drift": taking_options(drift),
    }
    for name, command in commands.items():
        rules.command(name)(command)


def plan(
    paths: Paths,
    options: Options,
    prune: Prune = True,
    output_format: Output = "text",
) -> None:
    """Shows what apply would do to the place where rules run, and does nothing.

    Exit 0: nothing to do, 3: something, 1: it could not be told, or something of others is in the way.

    \b
    Example:
      tocsin rules plan rulepacks/ --to directory --directory /etc/prometheus/rules
      tocsin rules plan rulepacks/ tenants/ --to mimir --ruler.url http://mimir:8080/prometheus --tenant-id acme
    """
    from generator.delivery.telling import plan_rows, plan_text
    from generator.delivery.wording import Style

    delivery = _delivery(paths, options, prune=prune)
    made = delivery.look()
    if output_format == "json":
        typer.echo(_json(plan_rows(made, delivery.where)))
    else:
        typer.echo(plan_text(made, delivery.where, Style.of(sys.stdout)))
    raise typer.Exit(1 if made.in_the_way else OTHERWISE if made.steps else 0)


def apply(
    paths: Paths,
    options: Options,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, the plan is shown.")] = False,
    prune: Prune = True,
    output_format: Output = "text",
) -> None:
    """Brings rules to where they run. Without --yes it shows the plan, and does nothing.

    Only what is Tocsin's is touched. What is refused does not stop the rest; run it again to do what is left.

    Exit 0: all is as it should be (without --yes: the plan could be made), 1: it is not.

    \b
    Example:
      tocsin rules apply rulepacks/ --to directory --directory /etc/prometheus/rules
      tocsin rules apply rulepacks/ --to directory --directory rules/ --prometheus.url http://127.0.0.1:9090 --yes
      tocsin rules apply rulepacks/ --to mimir --ruler.url http://mimir:8080/prometheus --tenant-id acme --yes
    """
    delivery = _delivery(paths, options, prune=prune)
    if not yes:
        raise typer.Exit(_show_dry_run(delivery, output_format))
    if output_format == "text":
        delivery.told = _tell
    interrupted = False
    try:
        delivery.deliver()
    except KeyboardInterrupt:
        interrupted = True
    progress = delivery.progress
    if progress is None:
        typer.echo("interrupted before anything was done", err=True)
        raise typer.Exit(INTERRUPTED)
    _show_progress(progress, delivery.where, output_format)
    raise typer.Exit(INTERRUPTED if interrupted else int(not progress.is_done))


def drift(
    paths: Paths,
    options: Options,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="What was built, for --prometheus.url: rulefile, prometheusrule, mimir.")
    ] = "rulefile",
    output_format: Report = "text",
) -> None:
    """Compares the packs with what runs (--prometheus.url) or what a place holds (--to).

    Exit 0: in step, 3: drifted, 1: it could not be told.

    \b
    Example:
      tocsin rules drift rulepacks/ --prometheus.url http://127.0.0.1:9090
      tocsin rules drift rulepacks/ --to mimir --ruler.url http://mimir:8080/prometheus --format json
    """
    from generator.delivery.telling import drift_markdown, drift_rows, drift_text
    from generator.delivery.wording import Style

    if not (options.to or options.prometheus_url):
        raise typer.BadParameter("name what is to be looked at", param_hint="--prometheus.url or --to")
    found = _held_drift(paths, options) if options.to else _running_drift(paths, options, target)
    match output_format:
        case "json":
            typer.echo(_json(drift_rows(found)))
        case "markdown":
            typer.echo(drift_markdown(found))
        case _:
            typer.echo(drift_text(found, Style.of(sys.stdout)))
    raise typer.Exit(0 if found.in_step else OTHERWISE)


def _delivery(paths: Sequence[Path], options: Options, *, prune: bool) -> Delivery:
    from generator.delivery.delivering import Delivery

    kind = _kind(options)
    return Delivery(kind, options, _pieces(paths, kind, options), prune)


def _kind(options: Options) -> Kind:
    from generator.delivery.registry import KINDS

    if options.to not in KINDS:
        said = f"{options.to!r} is none of" if options.to else "say what kind of place it is:"
        raise typer.BadParameter(f"{said} {', '.join(KINDS)}", param_hint="--to")
    _refuse_misplaced(options)
    return KINDS[options.to]


def _refuse_misplaced(options: Options) -> None:
    """Whoever gives an option to the wrong kind of place may mean something that would not happen."""
    if name := misplaced(options):
        where = f"--to {options.to}" if options.to else "--prometheus.url"
        raise typer.BadParameter(f"{where} does not read it; see docs/reference/delivery.md", param_hint=name)


def _pieces(paths: Sequence[Path], kind: Kind, options: Options) -> list[Piece]:
    return kind.pieces(_built(paths, kind.target, options), options)


def _built(paths: Sequence[Path], target: str, options: Options) -> Sequence[File]:
    """The files that a build would write; a pack that has errors ends the command."""
    from generator.delivery.building import built
    from tocsin.problem import as_text, has_errors, summary

    outcome = built(paths, target, options.prometheus_version)
    # The rest is what check and build are for.
    told = [problem for problem in outcome.problems if problem.severity == "error" or problem.check == "target"]
    if told:
        typer.echo(as_text(told), err=True)
    if has_errors(outcome.problems):
        typer.echo(f"nothing was looked at: {summary(outcome.problems)}", err=True)
        raise typer.Exit(1)
    return outcome.files


def _running_drift(paths: Sequence[Path], options: Options, target: str) -> Drift:
    import asyncio

    from generator.delivery.asking import http_of, timeout_seconds
    from generator.delivery.drift import of_running
    from generator.delivery.reading import groups_in
    from generator.delivery.running import stem
    from generator.delivery.sides import asked
    from generator.server_options import address

    _refuse_misplaced(options)
    url = address(options.prometheus_url)
    http, seconds = http_of(options.http_config, options.tenant_id), timeout_seconds(options)
    files = {stem(file.name): groups_in(file.text, file.name) for file in _built(paths, target, options)}
    return of_running(url, files, asyncio.run(asked(url, http, seconds)))


def _held_drift(paths: Sequence[Path], options: Options) -> Drift:
    import asyncio

    from generator.delivery.drift import of_held

    kind = _kind(options)
    pieces = _pieces(paths, kind, options)

    async def look() -> Drift:
        async with kind.opened(options) as destination:
            return of_held(destination.where, pieces, await destination.held())

    return asyncio.run(look())


def _show_dry_run(delivery: Delivery, output_format: str) -> int:
    """Prints the plan; the exit code."""
    from generator.delivery.telling import plan_rows, plan_text
    from generator.delivery.wording import Style

    made = delivery.look()
    if output_format == "json":
        typer.echo(_json({**plan_rows(made, delivery.where), "dry_run": True}))
    else:
        typer.echo(plan_text(made, delivery.where, Style.of(sys.stdout)))
        if made.steps:
            typer.echo("nothing was done; --yes does it")
    return int(bool(made.in_the_way))


def _tell(step: Step, state: State, why: str) -> None:
    """One line for what became of a step, as soon as it is known."""
    from generator.delivery.telling import step_text

    if state in ("applied", "failed"):
        typer.echo(step_text(step, state, why))


def _show_progress(progress: Progress, where: str, output_format: str) -> None:
    from generator.delivery.telling import progress_rows, progress_text, step_text

    if output_format == "json":
        typer.echo(_json(progress_rows(progress, where)))
        return
    for step, state, why in progress.rows():
        if state in ("waiting", "begun"):
            typer.echo(step_text(step, state, why))
    typer.echo(progress_text(progress, where))


def _json(tree: object) -> str:
    return json.dumps(tree, indent=2, ensure_ascii=False)
