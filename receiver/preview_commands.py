"""`tocsin notify`: what people would be sent, and a test of the ways to reach them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from receiver.cli import By, Url, client, show, who
from receiver.notify_commands import dead
from tocsin.cli import group
from tocsin.options import Output

notify = group("""See what people would be sent, and test the ways to reach them.

\b
Example:
  tocsin notify preview k3f9x2 --channel slack
  tocsin notify test --channel sms --user alice
  tocsin notify dead list
""")

notify.add_typer(dead, name="dead")

ChannelName = Annotated[str, typer.Option("--channel", metavar="NAME", help="A channel of the configuration.")]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="For whom; default: whoever reads the channel.")
]


@notify.command()
def preview(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident's id, or its beginning.")],
    channel: ChannelName,
    user: User = None,
    message: Annotated[
        str, typer.Option("--message", help="page, resolved, reopened, handover, sla, update, approval or remediation.")
    ] = "page",
    url: Url = None,
    output: Output = "text",
) -> None:
    """Shows what a channel would send about an incident now. Nothing is sent.

    \b
    Example:
      tocsin notify preview k3f9x2 --channel slack
      tocsin notify preview k3f9x2 --channel mail --user alice --message resolved
    """
    answer = client(url).preview_notification(incident, channel, user=user or "", message=message)
    show(output, answer, lambda: str(answer["preview"]))


@notify.command("test")
def send_test(channel: ChannelName, user: User = None, by: By = None, url: Url = None, output: Output = "text") -> None:
    """Sends one message that says that it is a test. It opens no incident; exit 1 if it could not be sent.

    \b
    Example:
      tocsin notify test --channel sms --user alice
    """
    answer = client(url).test_channel(channel, user=user or "", by=who(by, url))
    show(output, answer, lambda: _said(answer))
    raise typer.Exit(0 if answer["sent"] else 1)


def _said(answer: dict[str, Any]) -> str:
    to = f" to {answer['user']}" if answer["user"] else ""
    if answer["sent"]:
        return f"{answer['channel']}: a test was sent{to}"
    return f"{answer['channel']}: no test could be sent{to}: {answer['reason']}"
