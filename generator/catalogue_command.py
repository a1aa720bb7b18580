"""`tocsin rules docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", readable=False, help="Rulepacks, and folders that hold some.")
]


def docs(
    paths: Paths,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the pages go.")],
) -> None:
    """Writes a browsable catalogue in Markdown: a page a pack, and an index; nothing if a pack has errors.

    \b
    Example:
      tocsin rules docs rulepacks/ -o docs/alerts/
    """
    from generator.catalogue.files import HEADER, catalogue
    from generator.output import write
    from generator.pipeline import compile_packs
    from generator.targets import rulefile
    from tocsin.problem import as_text, has_errors, summary

    compiled = compile_packs(paths, rulefile.render)
    if has_errors(compiled.problems):
        typer.echo(as_text([problem for problem in compiled.problems if problem.severity == "error"]), err=True)
        typer.echo(f"wrote nothing: {summary(compiled.problems)}")
        raise typer.Exit(1)
    written = write(catalogue(compiled.packs), out, header=HEADER, suffix=".md")
    typer.echo(f"wrote {len(written.written)} pages to {out}/ ({len(written.unchanged)} unchanged)")
    for path in written.stale:
        typer.echo(f"{path}: left from an earlier run; no pack has this page any more: delete it")
