"""`tocsin exporter feedback`: say what is normal and what is not, here or to a running exporter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import typer

from exporter.desk_commands import ConfigFile, LabelTexts, Query
from tocsin.cli import group
from tocsin.errors import UsageError
from tocsin.options import Output

if TYPE_CHECKING:
    from exporter.feedback.book import Book

feedback = group("""Say of a point that it is normal, or an anomaly, and so teach its series; list and take back.

Of a running exporter (--url), or in its storage (--storage.path).

\b
Example:
  tocsin exporter feedback --url http://127.0.0.1:9096 --query player_latency --labels region=eu \\
    --at 2026-01-31T13:05:00Z --verdict normal --note "a load test"
  tocsin exporter feedback list --url http://127.0.0.1:9096
  tocsin exporter feedback remove 3f2a --url http://127.0.0.1:9096
""")

Url = Annotated[str | None, typer.Option("--url", help="The running exporter.")]
Storage = Annotated[
    Path | None, typer.Option("--storage.path", readable=False, help="The exporter's storage, to write there.")
]
At = Annotated[str, typer.Option("--at", help="The point: RFC 3339 or Unix seconds. Default: the newest.")]
VerdictWord = Annotated[Literal["normal", "anomaly"] | None, typer.Option("--verdict", help="What it is.")]
Note = Annotated[str, typer.Option("--note", help="Why, for whoever reads it later.")]
By = Annotated[str, typer.Option("--by", help="Who says so. Default: the user you are logged in as.")]

TEACHING_SECONDS = 300.0


@feedback.callback(invoke_without_command=True)
def plain(
    context: typer.Context,
    query: Query = "",
    labels: LabelTexts = None,
    at: At = "",
    verdict: VerdictWord = None,
    note: Note = "",
    by: By = "",
    url: Url = None,
    config_file: ConfigFile = None,
    storage: Storage = None,
    output: Output = "text",
) -> None:
    """Without a subcommand, what `add` does."""
    if context.invoked_subcommand is None:
        add(query, labels, at, verdict, note, by, url, config_file, storage, output)


@feedback.command()
def add(
    query: Query = "",
    labels: LabelTexts = None,
    at: At = "",
    verdict: VerdictWord = None,
    note: Note = "",
    by: By = "",
    url: Url = None,
    config_file: ConfigFile = None,
    storage: Storage = None,
    output: Output = "text",
) -> None:
    """Says of one point that it is normal, or an anomaly; told is what its evidence scores from now on.

    \b
    Example:
      tocsin exporter feedback add --url http://127.0.0.1:9096 --query player_latency --labels region=eu \\
        --at 2026-01-31T13:05:00Z --verdict normal
    """
    if verdict is None:
        raise UsageError("say what it is: --verdict normal, or --verdict anomaly")
    if _running(url, storage):
        body = {"query": query, "labels": ",".join(labels or ()), "verdict": verdict, "note": note, "by": _who(by)}
        found = _ask(url, "POST", "/api/v1/feedback", body | ({"at": at} if at else {}))
    else:
        found = _taught(storage, config_file, query, labels or [], at, verdict, note, _who(by))
    _show(output, found, _told)


@feedback.command("list")
def list_(url: Url = None, storage: Storage = None, query: Query = "", output: Output = "text") -> None:
    """Lists what was said and is in force, oldest first.

    \b
    Example:
      tocsin exporter feedback list --url http://127.0.0.1:9096
    """
    if _running(url, storage):
        found = _ask(url, "GET", f"/api/v1/feedback?query={quote(query)}")
    else:
        from exporter.feedback.verdict import shown

        items = [shown(one) for one in _book(storage).verdicts() if query in ("", one.query)]
        found = {"items": items, "next": None}
    _show(output, found, lambda listed: _table(listed["items"]))


@feedback.command()
def remove(
    verdict: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")],
    by: By = "",
    url: Url = None,
    storage: Storage = None,
    output: Output = "text",
) -> None:
    """Takes back what was said: its series scores as if nobody had said it.

    \b
    Example:
      tocsin exporter feedback remove 3f2a --url http://127.0.0.1:9096
    """
    if _running(url, storage):
        asked = f"/api/v1/feedback/{quote(verdict, safe='')}?by={quote(_who(by))}"
        found = _ask(url, "DELETE", asked)
    else:
        import time

        from exporter.feedback.verdict import shown

        found = shown(_book(storage).remove(verdict, by=_who(by), said_at=time.time()))
    _show(output, found, lambda gone: f"{gone['id']}: taken back ({_line(gone)})")


def _taught(
    storage: Path | None,
    config_file: Path | None,
    query: str,
    labels: list[str],
    at: str,
    verdict: Literal["normal", "anomaly"],
    note: str,
    by: str,
) -> dict[str, Any]:
    import asyncio

    from exporter.commands import need_numpy

    need_numpy()
    from exporter.feedback.teaching import added, teach
    from exporter.replaying.asking import Ask, when
    from exporter.replaying.offline import desk_of

    if config_file is None:
        raise UsageError("name the configuration, too (--config.file): the point's history is read from Prometheus")
    file, ask, moment = config_file, Ask.of(query=query, labels=labels), when(at) if at else None

    async def said() -> dict[str, Any]:
        async with desk_of(file) as desk:
            found, book = await teach(desk, ask, verdict, note=note, by=by, at=moment), _book(storage)
            book.add(found)
            return added(found, book.verdicts())

    return asyncio.run(said())


def _running(url: str | None, storage: Path | None) -> bool:
    if (url is None) is (storage is None):
        raise UsageError("name one of --url (a running exporter) and --storage.path (its storage)")
    return url is not None


def _book(storage: Path | None) -> Book:
    from exporter.feedback.book import Book

    assert storage is not None
    return Book(storage)


def _ask(url: str | None, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    from tocsin.client import Client

    client = Client.from_environment(url, server="exporter")
    found: dict[str, Any] = json.loads(client.content(method, path, body, TEACHING_SECONDS))
    return found


def _who(by: str) -> str:
    from tocsin.client import user

    return by or user()


def _show(output: str, found: dict[str, Any], text: Any) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if output == "json" else text(found))


def _told(found: dict[str, Any]) -> str:
    before = "no score" if found["score"] is None else f"{found['score']:.2f}"
    return f"{found['id']}: {_line(found)}; it scored {before}, such evidence now scores {found['score_now']:.2f}"


def _line(found: dict[str, Any]) -> str:
    from exporter.names import key_of, show

    return f"{found['query']} {show(key_of(found['labels']))} at {found['at']} is {found['verdict']}"


def _table(items: list[dict[str, Any]]) -> str:
    if not items:
        return "nothing was said"
    rows = []
    for one in items:
        note = f": {one['note']}" if one["note"] else ""
        rows.append(f"{one['id']}  {_line(one)}  ({one['by'] or 'unknown'}, {one['said_at']}{note})")
    return "\n".join(rows)
