"""`tocsin receiver quarantine`: bodies that could not be understood."""

from __future__ import annotations

from typing import Annotated

import typer

from receiver.cli import Url, client, show
from tocsin.cli import group
from tocsin.options import Output

quarantine = group("""See webhook bodies that could not be understood, and re-run them.

\b
Example:
  tocsin receiver quarantine list
""")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The body's number, as listed.")]


@quarantine.command("list")
def list_(url: Url = None, output: Output = "text") -> None:
    """Lists the bodies in quarantine, newest first, each with what is wrong.

    \b
    Example:
      tocsin receiver quarantine list
    """
    from receiver.show_held import quarantine_table

    found = list(client(url).quarantined())
    show(output, {"items": found}, lambda: quarantine_table(found))


@quarantine.command("show")
def show_(number: Number, url: Url = None, output: Output = "text") -> None:
    """Shows one body: what is wrong with it, and what it says (the first 64 KiB).

    \b
    Example:
      tocsin receiver quarantine show 17
    """
    from receiver.show_held import quarantined_body

    found = client(url).quarantined_body(number)
    show(output, found, lambda: quarantined_body(found))


@quarantine.command()
def retry(number: Number, url: Url = None, output: Output = "text") -> None:
    """Puts a body back into the inbox, once; if it is still not understood, it comes back here under a new number.

    \b
    Example:
      tocsin receiver quarantine retry 17
    """
    answer = client(url).retry_quarantined(number)
    show(
        output, answer, lambda: f"body {number} is back in the inbox; if it is still not understood, it is listed again"
    )
