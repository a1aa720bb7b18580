"""`tocsin receiver backup|restore|check`: looking after the store. What a command needs is imported when it runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receiver.cli import DEFAULT_FOLDER
from tocsin.errors import TocsinError
from tocsin.options import Output

if TYPE_CHECKING:
    from receiver.store.check import Report
    from receiver.store.settings import DatabaseSettings

ConfigFile = Annotated[
    Path | None, typer.Option("--config.file", readable=False, help="The receiver's configuration: where the store is.")
]
Storage = Annotated[Path, typer.Option("--storage.path", help="Where the store lies, unless it is PostgreSQL.")]


def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT", readable=False, help="The file to write; it must not exist.")],
    config_file: ConfigFile = None,
    storage: Storage = DEFAULT_FOLDER,
) -> None:
    """Copies the store (SQLite) to a file and checks the copy. The receiver may run meanwhile.

    \b
    Example:
      tocsin receiver backup --storage.path /var/lib/tocsin /backup/tocsin-monday.db
    """
    from receiver.store import backup as copies

    _only_sqlite(_settings(config_file), "pg_dump --format=custom --file=OUT URL backs it up")
    copies.backup(storage, out)
    report = _checked(out)
    _say(f"{out}: {out.stat().st_size:,} bytes, checked: {_contents(report)}")
    _fail_on(report)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="A file that `backup` wrote.")],
    config_file: ConfigFile = None,
    storage: Storage = DEFAULT_FOLDER,
) -> None:
    """Checks a backup and puts it into an empty folder. Messages sent since the backup may be sent once more.

    \b
    Example:
      tocsin receiver restore --storage.path /var/lib/tocsin /backup/tocsin-monday.db
    """
    from receiver.store import backup as copies
    from receiver.store.migrations import head

    _only_sqlite(_settings(config_file), "pg_restore puts back what pg_dump wrote")
    report = _checked(file)
    _fail_on(report)
    if report.revision > head():
        raise TocsinError(f"{file}: was made by a newer Tocsin (revision {report.revision}, this one knows {head()})")
    copies.restore(file, storage)
    _say(f"{storage}: restored from {file}: {_contents(report)}")


def check(config_file: ConfigFile = None, storage: Storage = DEFAULT_FOLDER, output: Output = "text") -> None:
    """Looks the store over, changing nothing: its file, its revision, whether its rows fit together. Exit 1 if not.

    \b
    Example:
      tocsin receiver check --storage.path /var/lib/tocsin
    """
    import asyncio

    from receiver.store.check import check as look_over
    from receiver.store.sqlite import FILE_NAME

    settings = _settings(config_file)
    report = asyncio.run(look_over(settings.read_url() if settings.is_postgresql else storage / FILE_NAME))
    _say(json.dumps(dataclasses.asdict(report), indent=2) if output == "json" else _text(report))
    if report.problems:
        raise typer.Exit(1)


def _settings(config_file: Path | None) -> DatabaseSettings:
    from receiver.config import ReceiverConfig
    from tocsin.config import load

    return (load(config_file, ReceiverConfig) if config_file else ReceiverConfig()).database


def _only_sqlite(settings: DatabaseSettings, way_out: str) -> None:
    if settings.is_postgresql:
        from receiver.store.postgres import shown

        raise TocsinError(f"the store is PostgreSQL ({shown(settings.read_url())}): {way_out}")


def _checked(file: Path) -> Report:
    import asyncio

    from receiver.store.check import check as look_over

    return asyncio.run(look_over(file))


def _fail_on(report: Report) -> None:
    if report.problems:
        raise TocsinError(f"{report.store}: " + "; ".join(report.problems))


def _contents(report: Report) -> str:
    counts = report.counts
    return (
        f"revision {report.revision}, {counts['incidents']:,} incidents ({counts['incidents_not_resolved']:,} not "
        f"resolved), {counts['alerts']:,} alerts, {counts['bodies_waiting']:,} bodies waiting, {counts['jobs']:,} jobs"
    )


def _text(report: Report) -> str:
    lines = [f"store     {report.store}", f"revision  {report.revision}", f"file      {report.file}"]
    lines += [f"engine    {report.engine}"] if report.engine else []
    lines += [f"{name.replace('_', ' '):22} {count:>12,}" for name, count in report.counts.items()]
    lines += [f"problem: {problem}" for problem in report.problems] or ["no problem found"]
    return "\n".join(lines)


def _say(text: str) -> None:
    typer.echo(text)
