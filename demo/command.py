"""`tocsin demo`, and `python -m demo`: the whole loop on this machine. What it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from demo.breaking import Breaking

HELP = """The whole loop on this machine: a streaming shop, Prometheus, Alertmanager, Tocsin, and something that breaks.

Without --fault three stories are played: a fault that no fixed limit sees, and two that Tocsin tries to mend itself.
With --fault the packs that ship watch the shop, and what they make of the fault is told as it happens. Ctrl-C mends
it and ends.

\b
Example:
  tocsin demo
  tocsin demo --once --quick
  tocsin demo --fault error-burst
  tocsin demo --fault disk-filling --since 7h
"""


class _WithFaults(TyperGroup):
    """Help that ends with the faults. They are known to the shop, which needs numpy: looked up when they are shown."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from demo.shop.faults import COURSES

        with formatter.section("Faults"):
            formatter.write_dl([(name, course.doc) for name, course in COURSES.items()])


demo = typer.Typer(
    cls=_WithFaults,
    help=HELP,
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@demo.callback()
def play(
    once: Annotated[
        bool, typer.Option("--once", help="End after the story, or when the fault is told of; exit 1 if it was not.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="The short stories: plain rules; no history, no exporter.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw what happened in the first story.")
    ] = None,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="Break this instead; see below.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="The fault began so long ago: history holds it.")
    ] = "",
    binaries: Annotated[
        Path | None,
        typer.Option("--binaries", metavar="DIR", help="prometheus, promtool and alertmanager; default: .tools/bin."),
    ] = None,
) -> None:
    from demo.playing import Order
    from demo.playing import demo as played
    from demo.stack import BINARIES

    if sum(map(bool, (quick, picture, fault))) > 1:
        raise typer.BadParameter("one of them at a time", param_hint="--quick, --picture, --fault")
    if since and not fault:
        raise typer.BadParameter("says when a fault began; name it: --fault", param_hint="--since")
    what = _breaking(fault, since) if fault else None
    order = Order((binaries or BINARIES).resolve(), once=once, quick=quick, picture=picture, fault=what)
    raise typer.Exit(played(order))


def _breaking(fault: str, since: str) -> Breaking:
    import time

    from demo.breaking import Breaking
    from demo.shop.faults import COURSES
    from tocsin import duration

    if fault not in COURSES:
        raise typer.BadParameter(f"there is no {fault!r}; these are: {', '.join(COURSES)}", param_hint="--fault")
    try:
        ago = duration.parse(since) if since else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
    return Breaking(fault, time.time() - ago.total_seconds() if ago else None)
