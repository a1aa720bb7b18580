"""`tocsin receiver` and `tocsin incidents`. What a command needs is imported when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from receiver import decision_commands, record_command, replay_commands, store_commands
from receiver.cli import who
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
""")

Url = Annotated[str | None, typer.Option("--url", help="The receiver. Default: TOCSIN_URL or http://127.0.0.1:9095.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its beginning.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so. Default: the user you are logged in as.")]


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


receiver.command()(store_commands.backup)
receiver.command()(store_commands.restore)
receiver.command()(store_commands.check)
receiver.command()(record_command.record)


@incidents.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help="open, acknowledged or resolved; default: all but resolved.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists incidents, newest first.

    \b
    Example:
      tocsin incidents list --status open
    """
    from receiver.show import incident_table

    found = list(_client(url).incidents(status=status))
    if status is None and not everything:
        found = [incident for incident in found if incident["status"] != "resolved"]
    _print(output, {"items": found}, lambda: incident_table(found))


@incidents.command()
def show(incident: Id, url: Url = None, output: Output = "text") -> None:
    """Shows one incident: the likely cause, what follows from it, and all that happened, with reasons.

    \b
    Example:
      tocsin incidents show k3f9x2
    """
    from receiver.show import incident_story

    found = _client(url).incident(incident)
    _print(output, found, lambda: incident_story(found))


incidents.command()(replay_commands.replay)


@incidents.command()
def ack(incident: Id, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Says that you have it: nobody else is told.

    \b
    Example:
      tocsin incidents ack k3f9x2
    """
    answer = _client(url).acknowledge(incident, by=who(by))
    _print(output, answer, lambda: _said(answer, "acknowledged: nobody else is told"))


@incidents.command()
def resolve(incident: Id, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Says that it is over. Alerts that still fire page again only once they have ended and come back.

    \b
    Example:
      tocsin incidents resolve k3f9x2
    """
    answer = _client(url).resolve(incident, by=who(by))
    still = f"; {answer['firing']} of its alerts still fire and page again only when they come back"
    _print(output, answer, lambda: _said(answer, "resolved" + (still if answer["firing"] else "")))


incidents.command()(decision_commands.graph)
incidents.command()(decision_commands.merge)
incidents.command()(decision_commands.split)
incidents.command()(decision_commands.move)
incidents.command()(decision_commands.cause)
incidents.command()(decision_commands.noise)


def _client(url: str | None) -> Any:
    from tocsin.client import Client

    return Client.from_environment(url)


def _said(answer: dict[str, Any], done: str) -> str:
    return f"{answer['id']} {answer['title']}: {done if answer['changed'] else answer['reason']}"


def _print(output: str, data: Any, text: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False) if output == "json" else text())
