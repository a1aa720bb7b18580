"""`tocsin rules`: the generator's commands. What they need is imported when they run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from generator.backtest_command import backtest
from generator.catalogue_command import docs
from generator.check_commands import register as register_checks
from generator.delivery_commands import register as register_delivery
from generator.graph_command import graph
from generator.import_command import import_rules
from generator.proof_command import prove
from generator.template_commands import templates
from generator.tenant_commands import set_value, tenants
from tocsin.cli import group
from tocsin.options import Output
from tocsin.words import plural

if TYPE_CHECKING:
    from generator.outcome import Outcome
    from generator.output import Written

rules = group("""Compile rulepacks into the rules that Prometheus evaluates.

\b
Example:
  tocsin rules check rulepacks/ prometheus/rules.yml
  tocsin rules build rulepacks/ -o rules/
""")

register_checks(rules)
register_delivery(rules)

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", readable=False, help="Rulepacks, and folders that hold some.")
]

rules.add_typer(tenants, name="tenants")
rules.command("set")(set_value)

TARGET_NAMES = "rulefile|prometheusrule|mimir|amp|azure|gcp"
PrometheusVersion = Annotated[
    str, typer.Option(metavar="VERSION", help="The oldest Prometheus that must take the rules.")
]
SloNaming = Annotated[
    Literal["tocsin", "sloth"],
    typer.Option(help="How what an SLO becomes is called: by Tocsin's names, or by those that sloth gives."),
]


@rules.command()
def build(
    paths: Paths,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the rule files go.")],
    target: Annotated[str, typer.Option(metavar=TARGET_NAMES, help="For whom.")] = "rulefile",
    prometheus_version: PrometheusVersion = "2.42",
    slo_naming: SloNaming = "tocsin",
    output_format: Output = "text",
    cache: Annotated[bool, typer.Option(help="Take an earlier build of the same, if there is one.")] = True,
) -> None:
    """Compiles rulepacks into rule files, one a pack; writes nothing if a pack has errors.

    \b
    Example:
      tocsin rules build rulepacks/ -o rules/
      tocsin rules build rulepacks/node -o manifests/ --target prometheusrule
      tocsin rules build rulepacks/ tenants/ -o rules/ --prometheus-version 3.5
      tocsin rules build packs/ -o rules/ --slo-naming sloth
    """
    from generator.cache.remember import remembered
    from generator.cache.store import folder
    from generator.output import write
    from tocsin.problem import has_errors

    def make() -> Outcome:
        return _built(paths, target, prometheus_version, slo_naming)

    options = {"target": target, "prometheus_version": prometheus_version, "slo_naming": slo_naming}
    outcome = remembered(paths, options, folder(), make) if cache else make()
    failed = has_errors(outcome.problems)
    written = None if failed else write(outcome.files, out)
    _show_build(outcome, written, out, output_format)
    raise typer.Exit(int(failed))


def _built(paths: list[Path], target: str, prometheus_version: str, slo_naming: str) -> Outcome:
    from functools import partial

    from generator.load import begin

    loading = begin(paths)  # goes on while the compiler is imported
    from generator.pipeline import build_packs
    from generator.slo import Naming
    from generator.targets import TARGETS

    if target not in TARGETS:
        raise typer.BadParameter(f"{target!r} is none of {', '.join(TARGETS)}", param_hint="--target")
    render = partial(TARGETS[target], version=_version(prometheus_version))
    return build_packs(loading, render, Naming(slo_naming))


rules.command()(backtest)
rules.command()(docs)
rules.command()(graph)
rules.command("import")(import_rules)
rules.command()(templates)
rules.command("test")(prove)


def _version(text: str) -> tuple[int, int]:
    from generator import version

    try:
        return version.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--prometheus-version") from None


def _show_build(outcome: Outcome, written: Written | None, out: Path, output_format: str) -> None:
    from tocsin.problem import as_json, summary

    if output_format == "json":
        states = {} if written is None else asdict(written)
        files = [{"file": str(path), "state": state} for state, paths in states.items() for path in paths]
        typer.echo(as_json(outcome.problems, files=files))
        return
    _show_problems(outcome)
    if written is None:
        typer.echo(f"wrote nothing: {summary(outcome.problems)} in {_count(outcome)}")
        return
    count = sum(file.rules for file in outcome.files)
    unchanged = f" ({len(written.unchanged)} unchanged)" if written.unchanged else ""
    typer.echo(f"wrote {plural(len(written.written), 'file')}, {plural(count, 'rule')} to {out}/{unchanged}")
    for path in written.stale:
        typer.echo(f"{path}: left from an earlier build; no pack makes it any more: delete it")


def _show_problems(outcome: Outcome) -> None:
    from tocsin.problem import as_text

    if outcome.problems:
        typer.echo(as_text(outcome.problems), err=True)


def _count(outcome: Outcome) -> str:
    return f"{plural(outcome.packs, 'pack')}, {plural(outcome.rules, 'rule')}"
