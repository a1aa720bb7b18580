"""`tocsin oncall`: who is on call, as a calendar, and who takes whose turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli import By, Url, client, show, who, write
from tocsin.cli import group
from tocsin.options import Output

oncall = group("""Who is on call, now and in the weeks to come; who takes whose turn.

Asks a running receiver, or with --config.file works on a configuration alone, without a server.

\b
Example:
  tocsin oncall who
  tocsin oncall show --weeks 4 --config.file receiver.yml
""")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config.file", readable=False, help="Look into this configuration instead of asking a receiver."),
]
OneSchedule = Annotated[str | None, typer.Option("--schedule", help="Only this one. Default: every schedule.")]


@oncall.command("who")
def who_(
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When: 2026-12-24T18:00, local to each schedule, or with an offset."),
    ] = None,
    schedule: OneSchedule = None,
    config_file: ConfigFile = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Says who is on call, why, and who is next.

    \b
    Example:
      tocsin oncall who
      tocsin oncall who --at 2026-12-24T18:00 --schedule database
    """
    from receiver.oncall.showing import who_table
    from receiver.oncall_asking import asked

    found = asked(config_file, url).who(at, schedule)
    show(output, {"items": found}, lambda: who_table(found))


Weeks = Annotated[int, typer.Option("--weeks", min=1, max=114, help="How far ahead.")]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="Local to the schedule, or with an offset.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="As --from.")]


@oncall.command("show")
def show_(
    weeks: Weeks = 4,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="The first day: 2026-12-24. Default: today.")
    ] = None,
    schedule: OneSchedule = None,
    config_file: ConfigFile = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Draws the weeks to come, one row a day; gaps and overlaps are marked.

    \b
    Example:
      tocsin oncall show --weeks 4
      tocsin oncall show --schedule database --from 2026-12-21 --weeks 2 --config.file receiver.yml
    """
    from receiver.oncall.grid import calendar
    from receiver.oncall_asking import asked, chosen

    answers = asked(config_file, url)
    found = [answers.show(name, start, weeks) for name in chosen(answers, schedule)]
    show(output, {"items": found}, lambda: "\n\n\n".join(map(calendar, found)))


@oncall.command()
def gaps(
    weeks: Weeks = 4,
    schedule: OneSchedule = None,
    config_file: ConfigFile = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Says when a policy could find nobody, and when nobody is on call; exit 1 when a policy could find nobody.

    A gap of a schedule that another step covers does no harm. Where there are no policies, a gap is exit 1.

    \b
    Example:
      tocsin oncall gaps --weeks 8 --config.file receiver.yml
    """
    from receiver.escalation.gaps import finds_nobody
    from receiver.oncall.gaps_showing import gaps_text
    from receiver.oncall_asking import asked

    found = asked(config_file, url).gaps(weeks, schedule)
    show(output, found, lambda: gaps_text(found))
    raise typer.Exit(int(finds_nobody(found)))


@oncall.command()
def override(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE")],
    user: Annotated[str, typer.Argument(metavar="USER", help="Who is on call in that time.")],
    start: From,
    end: To,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Puts somebody on call for a time, whatever the rotation says.

    \b
    Example:
      tocsin oncall override database alice --from 2026-12-24T18:00 --to 2026-12-25T09:00
    """
    _add(schedule, {"user": user, "from": start, "to": end, "by": who(by, url)}, url, output)


@oncall.command()
def swap(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE")],
    user: Annotated[str, typer.Argument(metavar="USER")],
    other: Annotated[str, typer.Argument(metavar="OTHER")],
    start: From,
    end: To,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lets two people change places: in that time each has the other's shifts.

    \b
    Example:
      tocsin oncall swap database alice bob --from 2026-12-21 --to 2027-01-04
    """
    _add(schedule, {"user": user, "swap_with": other, "from": start, "to": end, "by": who(by, url)}, url, output)


@oncall.command("overrides")
def overrides_(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE")],
    everything: Annotated[bool, typer.Option("--all", help="Those that are over or removed, too.")] = False,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists the overrides and swaps that people have added.

    \b
    Example:
      tocsin oncall overrides database
    """
    from receiver.oncall.showing import overrides_table

    found = list(client(url).overrides(schedule))
    listed = [one for one in found if everything or one["status"] in ("active", "planned")]
    show(output, {"items": listed}, lambda: overrides_table(listed))


@oncall.command()
def remove(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE")],
    override_id: Annotated[str, typer.Argument(metavar="ID", help="An override's id, or its beginning.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Takes an override or a swap away again.

    \b
    Example:
      tocsin oncall remove database 4k2m
    """

    answer = client(url).remove_override(schedule, override_id, by=who(by, url))
    done = "removed" if answer["changed"] else f"had been removed by {answer['removed_by']}"
    show(output, answer, lambda: f"{answer['id']}: {done}")


@oncall.command()
def export(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where it goes.")],
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=114, help="How far ahead.")] = 26,
    config_file: ConfigFile = None,
    url: Url = None,
) -> None:
    """Writes a schedule as a calendar file (iCalendar), one event a shift.

    A calendar program can also subscribe to /api/v1/schedules/SCHEDULE.ics of a running receiver.

    \b
    Example:
      tocsin oncall export database -o database.ics
    """
    from receiver.oncall_asking import asked

    content = asked(config_file, url).calendar(schedule, weeks)
    write(content.decode(), out)


def _add(schedule: str, wanted: dict[str, str], url: str | None, output: str) -> None:
    from receiver.oncall.showing import override_text

    answer = client(url).add_override(schedule, wanted)
    show(output, answer, lambda: override_text(answer))
