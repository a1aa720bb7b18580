"""`tocsin maintenance`: say beforehand which alerts are expected."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from receiver.cli import By, Url, client, show, who
from tocsin.cli import group
from tocsin.options import Output

maintenance = group("""Say which alerts are expected, and when: they open no incident, and are listed.

What still fires when the window ends opens its incident then.

\b
Example:
  tocsin maintenance add --name "database upgrade" --for 2h 'service="db"'
""")


@maintenance.command()
def add(
    matchers: Annotated[
        list[str], typer.Argument(metavar="MATCHER...", help='service="db", =~, !=, !~; all of them must hold.')
    ],
    name: Annotated[str, typer.Option(help="What it is for; told with every alert that it holds back.")],
    duration: Annotated[str | None, typer.Option("--for", help="How long: 2h, 1h30m.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="When it begins: 2026-12-01T02:00. Default: now.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="When it ends, instead of --for; a series: for good.")] = None,
    cron: Annotated[str | None, typer.Option(help="Begins at each of these times: '0 2 * * SAT'.")] = None,
    rrule: Annotated[
        str | None, typer.Option(help="Recurs from --from on by RFC 5545: 'FREQ=MONTHLY;BYDAY=2TU'.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--except", help="It does not begin on this day: 2026-12-24. Can be repeated.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Of times without an offset, of cron and rrule.")] = "UTC",
    tenant: Annotated[str, typer.Option(help="Only this tenant's alerts. Default: every tenant's.")] = "",
    silence: Annotated[
        bool, typer.Option("--silence", help="Alertmanager is silent about them, too, while the window is on.")
    ] = False,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Adds a window, now or ahead of time.

    \b
    Example:
      tocsin maintenance add --name "database upgrade" --for 2h 'service="db"'
      tocsin maintenance add --name backup --cron '0 2 * * *' --for 1h --timezone Europe/Berlin 'job=~"backup.*"'
    """
    wanted: dict[str, Any] = {
        "name": name,
        "matchers": matchers,
        "from": start or (None if cron or rrule else _now()),
        "to": end,
        "duration": duration,
        "cron": cron,
        "rrule": rrule,
        "except": without or None,
        "timezone": timezone,
        "tenant": tenant,
        "silence": silence or None,
        "by": who(by, url),
    }
    answer = client(url).add_maintenance({key: value for key, value in wanted.items() if value is not None})
    show(output, answer, lambda: f"{answer['id']} {answer['name']}: {_when(answer)}")


@maintenance.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists windows: those that are on, and those to come.

    \b
    Example:
      tocsin maintenance list
    """
    from receiver.show_held import maintenance_table

    found = [one for one in client(url).maintenance() if everything or one["status"] != "ended"]
    show(output, {"items": found}, lambda: maintenance_table(found))


@maintenance.command()
def end(
    window: Annotated[str, typer.Argument(metavar="ID", help="A window's id, or its beginning.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Ends a window now, all of its series included. What it held back and still fires opens its incident.

    \b
    Example:
      tocsin maintenance end 4k2m
    """
    answer = client(url).end_maintenance(window, by=who(by, url))
    done = (
        "ended; what it held back is looked at again"
        if answer["changed"]
        else f"had been ended by {answer['ended_by']}"
    )
    show(output, answer, lambda: f"{answer['id']} {answer['name']}: {done}")


def _now() -> str:
    from tocsin.clock import SystemClock

    return SystemClock().now().isoformat()


def _when(window: dict[str, Any]) -> str:
    from receiver.show import clock

    if window["status"] == "active":
        return f"on until {clock(window['ends_at'])} UTC"
    return f"on from {clock(window['starts_at'])} until {clock(window['ends_at'])} UTC"
