"""`tocsin rules import`: rules that others wrote become rulepacks that build to the very same rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tocsin.words import plural

if TYPE_CHECKING:
    from generator.importing.importer import Adopted
    from generator.output import Written
    from tocsin.problem import Problem

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", readable=False, help="Rule files, PrometheusRules, SLO specs, folders."),
]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the packs go.")]
Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="rulefile|prometheusrule|sloth|openslo", help="What they are, if that cannot be seen."
    ),
]
Report = Annotated[Literal["text", "json"], typer.Option("--report", help="How what was done is printed.")]
Force = Annotated[bool, typer.Option("--force", help="Write over packs that were edited, and files of others.")]


def import_rules(
    paths: Paths, out: Out, source_format: Format = "", report: Report = "text", force: Force = False
) -> None:
    """Makes rulepacks of rules that others wrote, which build to the very same rules.

    \b
    Example:
      tocsin rules import /etc/prometheus/rules/*.yml -o packs/
      tocsin rules import manifests/ -o packs/
      tocsin rules import spec.yml --format rulefile -o packs/ --report json
      tocsin rules build packs/ -o rules/ --prometheus-version 3.5
    """
    from generator.importing import FORMATS
    from generator.importing.importer import adopt
    from generator.importing.writing import write
    from tocsin.problem import has_errors

    if source_format and source_format not in FORMATS:
        raise typer.BadParameter(f"{source_format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    adopted, problems = adopt(paths, {source_format: FORMATS[source_format]} if source_format else FORMATS)
    written = write([one.file for one in adopted], out, [one.path for one in adopted], force=force)
    if report == "json":
        typer.echo(_as_json(adopted, problems, written, out))
    else:
        _show(adopted, problems, written, out)
    raise typer.Exit(int(has_errors(problems)))


def _show(adopted: Sequence[Adopted], problems: Sequence[Problem], written: Written, out: Path) -> None:
    from tocsin.problem import as_text, summary

    if problems:
        typer.echo(as_text(problems), err=True)
    for one in adopted:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(one.kinds.items()))
        lost = f"; {one.left_out:,} left out" if one.left_out else ""
        told = f": {kinds}" if kinds else ""
        typer.echo(f"{one.source} → {out / one.file.name}: {plural(one.file.rules, 'rule')}{told}{lost}")
    unchanged = f" ({len(written.unchanged)} unchanged)" if written.unchanged else ""
    typer.echo(f"imported {plural(len(adopted), 'pack')}{unchanged}: {_counted(adopted)}; {summary(problems)}")


def _counted(adopted: Sequence[Adopted]) -> str:
    records, slos, plain = (_count(adopted, kind) for kind in ("record", "slo", "promql"))
    alerts = sum(one.file.rules for one in adopted) - records - slos
    parts = [plural(alerts, "alert"), f"{alerts - plain:,} of them recognised", plural(records, "record")]
    return ", ".join([*parts, plural(slos, "SLO")] if slos else parts)


def _as_json(adopted: Sequence[Adopted], problems: Sequence[Problem], written: Written, out: Path) -> str:
    from tocsin.problem import as_json

    packs = [
        {
            "source": one.source,
            "file": str(out / one.file.name),
            "state": "written" if out / one.file.name in written.written else "unchanged",
            "rules": one.file.rules,
            "kinds": dict(sorted(one.kinds.items())),
            "left_out": one.left_out,
        }
        for one in adopted
    ]
    return as_json(problems, packs=packs)


def _count(adopted: Sequence[Adopted], kind: str) -> int:
    return sum(one.kinds.get(kind, 0) for one in adopted)
