"""`tocsin incidents merge|split|move|cause|noise|graph`: what people know better, and the tree as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from receiver.cli import By, Url, client, show, who, write
from tocsin.options import Output

Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its beginning.")]
Alerts = Annotated[
    list[str] | None,
    typer.Argument(metavar="ALERT...", help="Alerts' ids, or their beginnings (see incidents show)."),
]
Alert = Annotated[
    str | None, typer.Argument(metavar="ALERT", help="An alert's id, or its beginning (see incidents show).")
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="ALERTNAME", help="Its alerts of this name, instead of ids.")
]


def merge(
    incident: Id,
    into: Annotated[str, typer.Option("--into", metavar="ID", help="The incident that goes on.")],
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Makes an incident part of another: it ends, its alerts and whoever was told of it count there.

    \b
    Example:
      tocsin incidents merge k3f9x2 --into 17r2so
    """
    _decide(incident, "merge", {"into": into}, by, url, output)


def split(
    incident: Id, alerts: Alerts = None, name: Name = None, by: By = None, url: Url = None, output: Output = "text"
) -> None:
    """Takes alerts out of an incident, into a new one of their own.

    \b
    Example:
      tocsin incidents split k3f9x2 65600a1b
      tocsin incidents split k3f9x2 --name CertificateExpires
    """
    _decide(incident, "split", {"alerts": alerts, "name": name}, by, url, output)


def move(
    incident: Id,
    to: Annotated[str, typer.Option("--to", metavar="ID", help="The open incident that they are part of.")],
    alerts: Alerts = None,
    name: Name = None,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Moves alerts from one incident to another that is open.

    \b
    Example:
      tocsin incidents move k3f9x2 65600a1b --to 17r2so
    """
    _decide(incident, "move", {"to": to, "alerts": alerts, "name": name}, by, url, output)


def cause(
    incident: Id, alert: Alert = None, name: Name = None, by: By = None, url: Url = None, output: Output = "text"
) -> None:
    """Says which alert is the cause; of several of one name it is the one that began first.

    \b
    Example:
      tocsin incidents cause k3f9x2 65600a1b
      tocsin incidents cause k3f9x2 --name DatabaseDown
    """
    _decide(incident, "cause", {"alert": alert, "name": name}, by, url, output)


def noise(
    incident: Id, alerts: Alerts = None, name: Name = None, by: By = None, url: Url = None, output: Output = "text"
) -> None:
    """Says that alerts have nothing to do with an incident, or with anything.

    \b
    Example:
      tocsin incidents noise k3f9x2 --name HostClockSkew
    """
    _decide(incident, "noise", {"alerts": alerts, "name": name}, by, url, output)


def graph(
    incident: Id,
    drawn: Annotated[Literal["svg", "mermaid"], typer.Option("--format", help="How it is drawn.")] = "svg",
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes; else it is printed.")
    ] = None,
    url: Url = None,
) -> None:
    """Draws an incident: arrows lead from the cause to what follows from it.

    \b
    Example:
      tocsin incidents graph k3f9x2 --output k3f9x2.svg
      tocsin incidents graph k3f9x2 --format mermaid
    """
    picture = client(url).graph(incident, drawn)
    if out is None:
        typer.echo(picture, nl=False)
    else:
        write(picture, out)


def _decide(incident: str, what: str, said: dict[str, Any], by: str | None, url: str | None, output: str) -> None:
    wanted = {key: value for key, value in said.items() if value} | {"by": who(by, url)}
    answer = client(url).decide(incident, what, wanted)
    show(output, answer, lambda: answer["reason"])
