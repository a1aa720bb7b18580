"""`tocsin notify dead`: messages that were given up."""

from __future__ import annotations

from typing import Annotated

import typer

from receiver.cli import By, Url, client, show, who
from tocsin.cli import group
from tocsin.options import Output

dead = group("""See messages that were given up or refused, and put them back.

\b
Example:
  tocsin notify dead list
  tocsin notify dead retry 1742
""")

Channel = Annotated[str | None, typer.Option("--channel", help="Only those of this channel.")]


@dead.command("list")
def list_(channel: Channel = None, url: Url = None, output: Output = "text") -> None:
    """Lists the messages that were given up, newest first, each with the reason.

    \b
    Example:
      tocsin notify dead list --channel sms
    """
    from receiver.show_held import dead_table

    found = list(client(url).notifications(state="dead", channel=channel))
    show(output, {"items": found}, lambda: dead_table(found))


@dead.command()
def retry(
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", min=1, help="The message's number, as listed.")
    ] = None,
    channel: Channel = None,
    every: Annotated[bool, typer.Option("--all", help="All that are dead.")] = False,
    by: By = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Puts messages back, to be tried as often as new ones under the same key; those no longer wanted are skipped.

    \b
    Example:
      tocsin notify dead retry 1742
      tocsin notify dead retry --channel sms
    """
    from tocsin.errors import UsageError

    if [number is not None, channel is not None, every].count(True) != 1:
        raise UsageError("say which: the number of a message, --channel NAME, or --all")
    receiver = client(url)
    numbers = (
        [number] if number is not None else [one["id"] for one in receiver.notifications(state="dead", channel=channel)]
    )
    put_back = [receiver.retry_notification(one, by=who(by, url)) for one in numbers]
    count = f"{len(put_back)} message{'' if len(put_back) == 1 else 's'}"
    show(output, {"items": put_back}, lambda: f"{count} put back; tocsin incidents show tells what becomes of each")
