"""`tocsin receiver` and `tocsin incidents`. What a command needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from receiver import decision_commands, record_command, replay_commands, respond_commands, store_commands
from receiver.cli import Url, client, show
from receiver.quarantine_commands import quarantine
from tocsin.cli import group
from tocsin.options import EnableLifecycle, ListenAddress, LogFormat, LogLevel, Output, WebConfigFile

receiver = group("""Take in Alertmanager's webhooks, open incidents, tell people.

\b
Example:
  tocsin receiver run --config.file receiver.yml --storage.path /var/lib/tocsin
""")

incidents = group("""See incidents and say what you do about them.

\b
Example:
  tocsin incidents list
  tocsin incidents show k3f9x2
  tocsin incidents ack k3f9x2
  tocsin incidents create "Payments are stuck" --severity critical
""")

Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its beginning.")]

receiver.add_typer(quarantine, name="quarantine")


@receiver.command()
def run(
    config_file: Annotated[
        Path | None, typer.Option("--config.file", readable=False, help="Configuration; all of it is optional.")
    ] = None,
    address: ListenAddress = "127.0.0.1:9095",
    storage: Annotated[Path, typer.Option("--storage.path", help="Where the store lies.")] = Path("data/receiver"),
    web_config: WebConfigFile = None,
    lifecycle: EnableLifecycle = False,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
) -> None:
    """Runs the receiver until it is told to stop.

    \b
    Example:
      tocsin receiver run --config.file receiver.yml --storage.path /var/lib/tocsin
    """
    import uvloop
    from prometheus_client import disable_created_metrics

    from receiver import serve
    from receiver.config import ReceiverConfig
    from tocsin import log
    from tocsin.config import load
    from tocsin.guard import Guard
    from tocsin.serving import Listen

    listen = Listen.parse(address)
    config = load(config_file, ReceiverConfig) if config_file else ReceiverConfig()
    guard = Guard(web_config)
    log.configure(log_level, log_format)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the text format would show a second series for each counter
    uvloop.run(serve.run(config, listen, storage, config_file=config_file, guard=guard, lifecycle=lifecycle))


@receiver.command()
def worker(
    kinds: Annotated[
        list[str], typer.Option("--kinds", metavar="KIND", help="What is worked on: remediation, so far nothing else.")
    ],
    config_file: Annotated[
        Path | None, typer.Option("--config.file", readable=False, help="The receiver's configuration.")
    ] = None,
    address: ListenAddress = "127.0.0.1:9097",
    storage: Annotated[Path, typer.Option("--storage.path", help="Where what is not in the database lies.")] = Path(
        "data/receiver"
    ),
    web_config: WebConfigFile = None,
    lifecycle: EnableLifecycle = False,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
) -> None:
    """Runs steps of runbooks and nothing else, beside receivers that then hold no credentials; it needs PostgreSQL.

    \b
    Example:
      tocsin receiver worker --kinds remediation --config.file receiver.yml
    """
    from tocsin.errors import UsageError

    wanted = frozenset(name for text in kinds for name in text.split(",") if name)
    if wanted != {"remediation"}:
        raise UsageError(f"a worker of {', '.join(sorted(wanted)) or 'nothing'} is unknown: --kinds remediation")
    import uvloop
    from prometheus_client import disable_created_metrics

    from receiver import worker as process
    from receiver.config import ReceiverConfig
    from tocsin import log
    from tocsin.config import load
    from tocsin.guard import Guard
    from tocsin.serving import Listen

    listen = Listen.parse(address)
    config = load(config_file, ReceiverConfig) if config_file else ReceiverConfig()
    guard = Guard(web_config)
    log.configure(log_level, log_format)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # as in `run`
    uvloop.run(
        process.run(config, listen, storage, kinds=wanted, config_file=config_file, guard=guard, lifecycle=lifecycle)
    )


receiver.command()(store_commands.backup)
receiver.command()(store_commands.restore)
receiver.command()(store_commands.check)
receiver.command()(record_command.record)


@incidents.command("list")
def list_(
    status: Annotated[
        list[str] | None, typer.Option(help="open, acknowledged or resolved; default: all but resolved.")
    ] = None,
    severity: Annotated[list[str] | None, typer.Option(help="critical, warning or info. Can be repeated.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    assigned_to: Annotated[str | None, typer.Option(help="Given to this user or target.")] = None,
    acknowledged_by: Annotated[str | None, typer.Option(help="Those that somebody has.")] = None,
    policy: Annotated[str | None, typer.Option(help="Under this escalation policy.")] = None,
    since: Annotated[str | None, typer.Option(help="Opened after: 06:00, 2026-12-01T06:00.")] = None,
    before: Annotated[str | None, typer.Option(help="Opened before.")] = None,
    text: Annotated[str | None, typer.Option(help="Part of the title.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many. Default: all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists incidents, newest first.

    \b
    Example:
      tocsin incidents list --status open
      tocsin incidents list --severity critical --text payments --all
    """
    from itertools import islice

    from receiver.local_times import past
    from receiver.show import incident_table

    found = client(url).incidents(
        status=status or (None if everything else ["open", "acknowledged"]),
        severity=severity,
        tenant=tenant,
        assigned_to=assigned_to,
        acknowledged_by=acknowledged_by,
        policy=policy,
        opened_after=past(since),
        opened_before=past(before),
        text=text,
    )
    shown = list(islice(found, limit))
    show(output, {"items": shown}, lambda: incident_table(shown))


@incidents.command("show")
def show_(incident: Id, url: Url = None, output: Output = "text") -> None:
    """Shows one incident: the likely cause, what follows from it, and all that happened, with reasons.

    \b
    Example:
      tocsin incidents show k3f9x2
    """
    from receiver.show import incident_story

    found = client(url).incident(incident)
    show(output, found, lambda: incident_story(found))


incidents.command()(replay_commands.replay)


for respond in respond_commands.COMMANDS:
    incidents.command()(respond)
incidents.command()(decision_commands.graph)
incidents.command()(decision_commands.merge)
incidents.command()(decision_commands.split)
incidents.command()(decision_commands.move)
incidents.command()(decision_commands.cause)
incidents.command()(decision_commands.noise)
