"""backup, restore and check: what comes back is what was there, and what cannot be done is said."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from receiver import commands
from receiver.config import ReceiverConfig
from receiver.store.backup import backup
from receiver.store.check import check
from receiver.store.database import Database
from receiver.store.migrations import head
from receiver.store.schema import incidents
from tests.receiver.bodies import alert, body
from tests.receiver.harness import escalation, receiver
from tocsin.errors import TocsinError

CONFIG = escalation(("0s", ("alice",)), ("5m", ("bob",)))


async def _used_store(folder: Path, config: ReceiverConfig = CONFIG) -> None:
    """A store in which something has happened and something waits."""
    async with receiver(folder, config) as tocsin:
        await tocsin.post(body(alert(instance="a"), alert(instance="b")))
        await tocsin.post(body(alert("Other", end=60), group="Other"))


async def tocsin(*arguments: str) -> tuple[int, str]:
    """The exit code of `tocsin receiver …` and what it says, in this process and another thread."""
    done = await asyncio.to_thread(CliRunner().invoke, commands.receiver, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit | TocsinError):
        raise done.exception
    return done.exit_code, done.output or str(done.exception)


async def test_while_the_receiver_works(tmp_path: Path) -> None:
    """A backup of a running receiver holds what was committed; a receiver on the restored folder goes on from there."""
    out = tmp_path / "copy.db"
    async with receiver(tmp_path / "store", CONFIG) as running:
        await running.post(body(alert(instance="a")))
        backup(tmp_path / "store", out)
        await running.post(body(alert("Later"), group="Later"))
        (incident,) = [one["id"] for one in await running.incidents() if one["title"] == "PlayerErrors is up"]
    restored = await tocsin("restore", "--storage.path", str(tmp_path / "new"), str(out))
    assert restored == (
        0,
        f"{tmp_path}/new: restored from {out}: revision {head()}, 1 incidents (1 not resolved), 1 alerts, "
        "0 bodies waiting, 1 jobs\n",
    )
    async with receiver(tmp_path / "new", CONFIG, clock=running.clock) as again:
        assert [one["id"] for one in await again.incidents()] == [incident]
        await again.advance(minutes=5)
        assert again.phones["bob"].keys == ["page/1/bob"]


async def test_commands_say_what_they_did(tmp_path: Path) -> None:
    """backup names its file and what it holds; check counts; both leave the store as it is."""
    await _used_store(tmp_path / "store")
    out = tmp_path / "copy.db"
    where = ("--storage.path", str(tmp_path / "store"))
    _, said = await tocsin("backup", *where, str(out))
    assert said.startswith(f"{out}: {out.stat().st_size:,} bytes, checked: revision {head()}, ")
    code, looked = await tocsin("check", *where, "--format", "json")
    report = json.loads(looked)
    assert (code, report["file"], report["problems"]) == (0, "ok", [])
    assert report["counts"]["alerts_firing"] == 2
    assert "no problem found" in (await tocsin("check", *where))[1]


REFUSED = {
    "a folder that is not empty": (
        ["restore", "--storage.path", "store", "copy.db"],
        "--storage.path store: is not empty (it holds inbox.db); restore into a new folder, or move away what",
    ),
    "a file that is there": (
        ["backup", "--storage.path", "store", "copy.db"],
        "copy.db: exists already; a backup never replaces anything, choose another name",
    ),
    "a folder without a store": (
        ["backup", "--storage.path", "nothing", "other.db"],
        "--storage.path nothing: holds no tocsin.db to back up",
    ),
    "a backup that is none": (
        ["restore", "--storage.path", "new", "text"],
        "text: cannot be read as Tocsin's store: file is not a database",
    ),
    "a database that is no store": (
        ["restore", "--storage.path", "new", "empty.db"],
        "empty.db: holds no store of Tocsin's",
    ),
    "a folder for a backup that is not there": (
        ["backup", "--storage.path", "store", "nowhere/copy.db"],
        "nowhere/copy.db: ",
    ),
}


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    await _used_store(tmp_path / "store")
    backup(tmp_path / "store", tmp_path / "copy.db")
    (tmp_path / "text").write_text("not a database, however long it may be" * 40)
    (tmp_path / "empty.db").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("case", REFUSED)
async def test_refusals(folder: Path, case: str) -> None:
    """What cannot be done is one line that names the object and the way out, and changes nothing."""
    arguments, line = REFUSED[case]
    before = (folder / "copy.db").read_bytes()
    code, said = await tocsin(*arguments)
    assert code == 1
    assert line in said
    assert (folder / "copy.db").read_bytes() == before


async def test_damage_is_found(folder: Path) -> None:
    """A file with a page overwritten, and rows that do not fit together, are problems; exit 1."""
    database = await Database.open(folder / "store")
    async with database.write() as connection:
        await connection.execute(sa.update(incidents).where(incidents.c.status == "open").values(version=99))
    await database.close()
    code, said = await tocsin("check", "--storage.path", "store")
    assert code == 1
    assert "problem: incidents that are not what their events add up to: " in said
    damaged = bytearray((folder / "copy.db").read_bytes())
    damaged[2 * 4096 : 3 * 4096] = b"\xff" * 4096
    (folder / "copy.db").write_bytes(damaged)
    code, said = await tocsin("restore", "--storage.path", "new", "copy.db")
    assert code == 1
    assert said.startswith("copy.db: ")


async def test_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """PostgreSQL has its own backups, which the commands name without the password; check counts all the same."""
    await _used_store(tmp_path, escalation(("0s", ("alice",)), database={"url": postgres_url}))
    report = await check(postgres_url)
    assert (report.problems, report.counts["alerts_firing"], report.revision) == ((), 2, head())
    file = tmp_path / "receiver.yml"
    file.write_text(f"database: {{url: '{postgres_url.replace('postgres@', 'postgres:hidden@')}'}}")
    for command, word in (("backup", "pg_dump"), ("restore", "pg_restore")):
        _, said = await tocsin(command, "--config.file", str(file), str(tmp_path / "x"))
        assert word in said
        assert "hidden" not in said
    assert "no problem found" in (await tocsin("check", "--config.file", str(file)))[1]
