"""`tocsin rules backtest`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from generator.check_commands import Paths
from generator.server_options import HttpConfigFile, address, http_of
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from generator.backtest.report import Report
    from generator.backtest.running import Done, Progress
    from generator.backtest.summary import Span

T = TypeVar("T")
MOST_DAYS = 3_660  # of a range

Url = Annotated[str, typer.Option("--prometheus.url", metavar="URL", help="The server that has the history.")]
Since = Annotated[
    str, typer.Option(metavar="DURATION|TIME", help="Where the range begins: so long before its end, or then.")
]
Until = Annotated[str, typer.Option(metavar="TIME|DURATION", help="Where it ends: then, or so long ago; else now.")]
Step = Annotated[
    str, typer.Option(metavar="DURATION", help="Between two evaluations of every rule, whatever its group says.")
]
Interval = Annotated[
    str,
    typer.Option(
        "--evaluation-interval", metavar="DURATION", help="Of groups without an interval; else the server's own, or 1m."
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="NAME", help="Only alerts of this name; * stands for anything; may be repeated."),
]
IncidentsFrom = Annotated[
    str,
    typer.Option("--incidents", metavar="FILE|URL", help="What really happened: a list, or the receiver's address."),
]
Tolerance = Annotated[
    str,
    typer.Option("--incident-tolerance", metavar="DURATION", help="A firing so long before an incident belongs to it."),
]
Before = Annotated[
    list[Path] | None,
    typer.Option("--compare", metavar="PATH", readable=False, help="The rules as they were; may be repeated."),
]
ChangedOnly = Annotated[
    bool, typer.Option("--changed-only", help="With --compare: evaluates no rule that is as it was.")
]
Drafts = Annotated[bool, typer.Option("--drafts", help="Rules in the state draft, too.")]
StoredRecords = Annotated[
    bool, typer.Option("--stored-records", help="Reads recorded series as they are stored, not what they are made of.")
]
Format = Annotated[
    Literal["text", "json", "markdown", "html"], typer.Option("--format", help="How the report is written.")
]
Out = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where the report goes; else it is printed.")
]
TimeZone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Of times and hours, as Europe/Berlin.")]
Timeout = Annotated[str, typer.Option(metavar="DURATION", help="For one query.")]
MostPages = Annotated[
    float | None,
    typer.Option("--max-pages-per-week", metavar="N", min=0, help="Exit code 1 if a rule comes to more than these."),
]


def backtest(
    paths: Paths,
    prometheus_url: Url,
    http_config: HttpConfigFile = None,
    since: Since = "14d",
    until: Until = "",
    step: Step = "",
    evaluation_interval: Interval = "",
    rule: Names = None,
    incidents: IncidentsFrom = "",
    incident_tolerance: Tolerance = "15m",
    compare: Before = None,
    changed_only: ChangedOnly = False,
    drafts: Drafts = False,
    stored_records: StoredRecords = False,
    output_format: Format = "text",
    out: Out = None,
    timezone: TimeZone = "UTC",
    timeout: Timeout = "2m",
    max_pages_per_week: MostPages = None,
) -> None:
    """Evaluates alerts over stored history: when they would have fired, how often, and whether they were right.

    \b
    Example:
      tocsin rules backtest rulepacks/ --prometheus.url http://prometheus:9090
      tocsin rules backtest rules.yml --prometheus.url http://prometheus:9090 --since 30d --rule 'Disk*'
      tocsin rules backtest rulepacks/ --prometheus.url http://prometheus:9090 --incidents http://127.0.0.1:9095
      tocsin rules backtest rulepacks/ --prometheus.url http://prometheus:9090 --compare ../main/rulepacks \\
        --format markdown -o comment.md
      tocsin rules backtest rulepacks/ --prometheus.url http://prometheus:9090 --format html -o backtest.html
    """
    import asyncio

    from generator.backtest import moments
    from generator.backtest.incident_source import known
    from generator.backtest.running import Order, Server
    from generator.backtest.running import backtest as run

    if changed_only and not compare:
        hint = "says what differs from other rules; name them: --compare"
        raise typer.BadParameter(hint, param_hint="--changed-only")
    server = Server(address(prometheus_url), http_of(http_config), _duration(timeout, "--timeout"))
    span = _span(since, until)
    order = Order(
        paths=paths,
        span=span,
        zone=_said(timezone, moments.zone, "--timezone"),
        zone_name=timezone,
        names=rule or (),
        before=compare or (),
        incidents=known(incidents, span.start, span.end) if incidents else None,
        tolerance=_duration(incident_tolerance, "--incident-tolerance", least=0),
        step=_duration(step, "--step") if step else None,
        interval=_duration(evaluation_interval, "--evaluation-interval") if evaluation_interval else None,
        drafts=drafts,
        changed_only=changed_only,
        stored_records=stored_records,
        with_curves=output_format == "html",
    )
    with _progress() as told:
        done = asyncio.run(run(order, server, told))
    _write(_rendered(done, output_format), out)
    raise typer.Exit(_code(done.report, max_pages_per_week))


def _span(since: str, until: str) -> Span:
    from datetime import timedelta

    from generator.backtest import moments
    from generator.backtest.summary import Span
    from tocsin.clock import SystemClock

    now = SystemClock().now().replace(microsecond=0)
    end = _said(until or "0", lambda text: moments.before(text, now), "--until")
    start = _said(since, lambda text: moments.before(text, end), "--since")
    if not timedelta() < end - start <= timedelta(days=MOST_DAYS):
        shown = f"from {moments.as_json(start)} to {moments.as_json(end)}"
        raise typer.BadParameter(f"the range {shown} is empty, or longer than ten years", param_hint="--since")
    return Span(start, end)


def _said(text: str, read: Callable[[str], T], option: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _duration(text: str, option: str, least: int = 1) -> timedelta:
    from datetime import timedelta

    from tocsin import duration

    found: timedelta = _said(text, duration.parse, option)
    if found < timedelta(seconds=least):
        raise typer.BadParameter(f"{text!r} is too short; write {least}s or more", param_hint=option)
    return found


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line on a terminal's stderr, gone at the end; elsewhere nothing."""
    import sys

    shown = sys.stderr.isatty()

    def told(what: str, done: int, of: int) -> None:
        if shown:
            sys.stderr.write(f"\r\033[K{what}: {done:,} of {of:,}")
            sys.stderr.flush()

    try:
        yield told
    finally:
        if shown:
            sys.stderr.write("\r\033[K")


def _rendered(done: Done, output_format: str) -> str:
    from generator.backtest.reporting import as_json, as_markdown, as_text

    if output_format == "html":
        from generator.backtest.reporting import as_html

        return as_html.text(done.report, done.drawn)
    formats: dict[str, Callable[[Report], str]] = {
        "text": as_text.text,
        "json": as_json.text,
        "markdown": as_markdown.text,
    }
    return formats[output_format](done.report)


def _write(text: str, out: Path | None) -> None:
    from tocsin.files import replacing

    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}; choose another -o") from error


def _code(report: Report, most_pages: float | None) -> int:
    """Says on stderr why the exit code is what it is."""
    from tocsin.problem import as_text, has_errors

    told = list(report.all_problems())
    errors = [problem for problem in told if problem.severity == "error"]
    if errors:
        typer.echo(as_text(errors), err=True)
    loud = [] if most_pages is None else report.louder(most_pages)
    for alert in loud:
        pages = f"{alert.summary.pages_a_week:.1f} pages a week"
        typer.echo(f"{alert.rule.name}: {pages}, more than --max-pages-per-week {most_pages:g}", err=True)
    return int(has_errors(told) or bool(loud))
