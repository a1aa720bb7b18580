"""`tocsin tokens`: who may call, over the API or on the store itself. What a command needs is imported when it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from receiver.cli import DEFAULT_FOLDER, Url, client, show, write_secret
from tocsin.cli import group
from tocsin.options import Output

if TYPE_CHECKING:
    from receiver.access.desk import Asking, Desk
    from receiver.people.directory import Directory

T = TypeVar("T")

tokens = group("""Make, list and revoke the tokens by which people and programs call the receiver.

With --config.file and --storage.path it is done on the store itself, on the machine where that lies, whether the
receiver runs or not: so the first token is made. Without them a running receiver is asked, by a token.

\b
Example:
  tocsin tokens create --user alice --scope incidents:read --config.file receiver.yml --storage.path /var/lib/tocsin
""")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config.file", readable=False, help="The receiver's configuration: users, and where the store is."),
]
Storage = Annotated[
    Path | None, typer.Option("--storage.path", help="Where the store lies. Default with --config.file: data/receiver.")
]


@tokens.command()
def create(
    scopes: Annotated[
        list[str], typer.Option("--scope", help="What it may be used for: incidents:read, … Can be repeated.")
    ],
    user: Annotated[str, typer.Option("--user", help="Whose it is. Default: yours, by the token you ask with.")] = "",
    tenants: Annotated[
        list[str] | None, typer.Option("--tenant", help="For this tenant alone. Can be repeated. Default: the user's.")
    ] = None,
    expires: Annotated[str, typer.Option(help="How long it lives: 30d, 12h; up to 365d.")] = "90d",
    note: Annotated[str, typer.Option(help="What it is for; stands in the list.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Writes the token there, for its owner alone (0600)."),
    ] = None,
    config_file: ConfigFile = None,
    storage: Storage = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Makes a token and prints it, this once: the receiver keeps no more than a hash of it.

    \b
    Example:
      tocsin tokens create --user alice --scope incidents:read --scope incidents:write --expires 30d --output token
      tocsin tokens create --user bot --scope metrics:read --config.file receiver.yml --storage.path /var/lib/tocsin
    """
    asked: dict[str, Any] = {
        "user": user,
        "scopes": scopes,
        "tenants": tenants or None,
        "expires": expires,
        "note": note,
    }
    if _on_the_store(config_file, storage):
        from receiver.access.desk import wanted

        made = _at_the_desk(config_file, storage, lambda at: at.desk.create(at.asking, wanted(**asked), at.people))
    else:
        made = client(url).create_token(asked)
    written = made.pop("token")
    if out is not None:
        write_secret(written, out)
    elif output == "json":
        made["token"] = written
    about = f"token {made['id']} of {made['user']}: {', '.join(made['scopes'])}; until {made['expires_at'][:10]}"
    if output == "json":
        show(output, made, str)
        return
    typer.echo(about if out is None else f"{about}; written to {out}", err=True)
    if out is None:
        typer.echo(written)


@tokens.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Expired and revoked ones, too.")] = False,
    config_file: ConfigFile = None,
    storage: Storage = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Lists tokens: whose they are, what for, until when, and when they were last used (to the minute).

    \b
    Example:
      tocsin tokens list
    """
    from receiver.show_held import token_table

    if _on_the_store(config_file, storage):
        found = _at_the_desk(config_file, storage, lambda at: at.desk.list(at.asking))
    else:
        found = list(client(url).tokens())
    found = [one for one in found if everything or one["status"] == "active"]
    show(output, {"items": found}, lambda: token_table(found))


@tokens.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id, as listed: what follows tocsin_.")],
    config_file: ConfigFile = None,
    storage: Storage = None,
    url: Url = None,
    output: Output = "text",
) -> None:
    """Revokes a token for good; it is refused from the next call on.

    \b
    Example:
      tocsin tokens revoke k3f9x2abcdef
    """
    if _on_the_store(config_file, storage):
        answer = _at_the_desk(config_file, storage, lambda at: at.desk.revoke(at.asking, token))
    else:
        answer = client(url).revoke_token(token)
    done = "revoked" if answer["changed"] else f"had been revoked by {answer['revoked_by']}"
    show(output, answer, lambda: f"{answer['id']} of {answer['user']}: {done}")


def _on_the_store(config_file: Path | None, storage: Path | None) -> bool:
    return config_file is not None or storage is not None


@dataclass(frozen=True)
class _Counter:
    """The desk of the store itself: whoever may write there may do everything."""

    desk: Desk
    asking: Asking
    people: Directory


def _at_the_desk(config_file: Path | None, storage: Path | None, do: Callable[[_Counter], Awaitable[T]]) -> T:
    import asyncio

    from receiver.access.desk import Asking, Desk
    from receiver.access.principal import anybody
    from receiver.config import ReceiverConfig
    from receiver.store.tokens import tokens_beside
    from tocsin.client import user
    from tocsin.clock import SystemClock
    from tocsin.config import load

    config = load(config_file, ReceiverConfig) if config_file else ReceiverConfig()
    asking = Asking(anybody(f"{user()}, on the store"))

    async def done() -> T:
        async with tokens_beside(config.database, storage or DEFAULT_FOLDER) as kept:
            return await do(_Counter(Desk(kept, SystemClock()), asking, config.directory({})))

    return asyncio.run(done())
