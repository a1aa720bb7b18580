"""The migrations lead to the tables that the code uses, whichever release a store comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from receiver.store import migrations
from receiver.store.database import Database
from receiver.store.schema import metadata
from tests.receiver.store.conftest import OpenStore
from tocsin.errors import TocsinError


def _shape(connection: sa.Connection) -> dict[str, Any]:
    """Everything that a table is made of, as the database itself tells it."""
    seen = sa.inspect(connection)
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)},
            "key": seen.get_pk_constraint(table)["constrained_columns"],
            "unique": [u["column_names"] for u in seen.get_unique_constraints(table)],
            "indexes": {
                i["name"]: (i["column_names"], bool(i["unique"]), _rows(i))
                for i in seen.get_indexes(table)
                if "duplicates_constraint" not in i
            },
        }
        for table in sorted(set(seen.get_table_names()) - {"alembic_version"})
    }


def _rows(index: Any) -> str:
    options = index.get("dialect_options", {})
    where = options.get("sqlite_where", options.get("postgresql_where", ""))
    return "".join(str(where).replace("::text", "").replace("<>", "!=").split()).replace("(", "").replace(")", "")


def _down_to_nothing(connection: sa.Connection) -> None:
    metadata.drop_all(connection)
    connection.execute(sa.text("DROP TABLE alembic_version"))


async def test_migrations_make_the_live_tables(store: Database) -> None:
    """From nothing, step by step from 0001, and straight from the code: the same tables come out."""
    async with store.write() as connection:
        migrated = await connection.run_sync(_shape)
        await connection.run_sync(_down_to_nothing)
        await connection.run_sync(migrations.upgrade, "0001")
        assert await connection.run_sync(migrations.revision) == "0001"
        await connection.run_sync(migrations.upgrade)
        assert await connection.run_sync(_shape) == migrated
        await connection.run_sync(_down_to_nothing_made)
        assert await connection.run_sync(_shape) == migrated


def _down_to_nothing_made(connection: sa.Connection) -> None:
    metadata.drop_all(connection)
    metadata.create_all(connection)


async def test_what_was_resolved_gets_a_date(store: Database) -> None:
    """An incident that an earlier release resolved is dated by the last thing that happened to it."""
    async with store.write() as connection:
        await connection.run_sync(_down_to_nothing)
        await connection.run_sync(migrations.upgrade, "0001")
        await connection.execute(
            sa.text(
                "INSERT INTO incidents (id, tenant, key, status, severity, opened_at, version, state) "
                "VALUES ('a', '', 'k', 'resolved', 'info', 5, 2, ''), ('b', '', 'l', 'open', 'info', 5, 1, '')"
            )
        )
        await connection.execute(
            sa.text("INSERT INTO events (incident, version, at, event) VALUES ('a', 1, 5, ''), ('a', 2, 9, '')")
        )
        await connection.run_sync(migrations.upgrade)
        rows = await connection.execute(sa.text("SELECT id, resolved_at FROM incidents ORDER BY id"))
        assert [tuple(row) for row in rows] == [("a", 9), ("b", None)]


async def _written_by_a_newer_release(store: Database, oldest: str) -> None:
    async with store.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(sa.text("UPDATE compatibility SET oldest = :oldest"), {"oldest": oldest})
    await store.close()


async def test_newer_store_that_this_release_can_use(open_store: OpenStore) -> None:
    """What a newer release has only added to does not keep this one from working: a rolling upgrade."""
    await _written_by_a_newer_release(await open_store(), migrations.head())
    again = await open_store()
    async with again.read() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM inbox"))).scalar_one() == 0


async def test_newer_store_that_this_release_cannot_use(open_store: OpenStore) -> None:
    """What a newer release has taken something away from is refused, with the way out."""
    await _written_by_a_newer_release(await open_store(), "9998")
    with pytest.raises(TocsinError, match=r"revision 9999, this one knows \d+\); upgrade, or use its backup"):
        await open_store()


def test_every_migration_stands_in_one_line() -> None:
    """Revisions are numbered, one after the other: their order can be told by their names."""
    names = sorted(file.stem for file in (Path(migrations.__file__).parent / "versions").glob("0*.py"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert migrations.head() == ScriptDirectory(Path(migrations.__file__).parent).get_current_head()
