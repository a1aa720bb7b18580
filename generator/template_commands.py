"""`tocsin rules templates`: what a pack can say. What it needs is imported when it runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.options import Output

if TYPE_CHECKING:
    from generator.template_catalogue import Entry, Fact

Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="One template, with its facts and a pack.")]


def templates(name: Name = None, output_format: Output = "text") -> None:
    """Lists the templates and slo with an example each; with a name, its facts and a whole pack that builds.

    \b
    Example:
      tocsin rules templates
      tocsin rules templates saturation
      tocsin rules templates slo > my-slo.yml
    """
    import json

    from generator.template_catalogue import entries

    known = entries()
    if name is not None and name not in known:
        raise typer.BadParameter(_unknown(name, list(known)), param_hint="NAME")
    chosen = [found for key, found in known.items() if name in (None, key)]
    if output_format == "json":
        typer.echo(json.dumps({"templates": [asdict(found) for found in chosen]}, indent=2, ensure_ascii=False))
    elif name is None:
        typer.echo("\n".join(f"{found.name}: {found.summary}\n    {found.short}" for found in chosen))
    else:
        typer.echo("\n".join(_page(chosen[0])))


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"{name!r} is no template; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}")


def _page(found: Entry) -> list[str]:
    """The template as a page; the lines of text are comments, so that the page is a pack."""
    said = [f"{found.name}: {found.summary}", "", *found.doc.splitlines(), ""]
    width = max((len(fact.name) for fact in found.facts), default=0)
    facts = [f"{fact.name:{width}}  {_about(fact)}" for fact in found.facts]
    return [*(f"# {line}".rstrip() for line in (*said, *facts)), "", found.example.rstrip()]


def _about(fact: Fact) -> str:
    unit = f", {fact.unit}" if fact.unit else ""
    use = "required" if fact.required else f"default {fact.default}" if fact.default is not None else "optional"
    return f"({fact.kind}{unit}; {use}) {fact.doc}"
