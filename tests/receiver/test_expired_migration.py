"""A store that was made before occurrences could expire."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from receiver.store.database import FILE_NAME
from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver


async def test_columns_are_added(tmp_path: Path) -> None:
    """The columns that are missing are added; what was there goes on."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert()))
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as store:
        for column in ("expired", "not_before"):
            store.execute(f"ALTER TABLE occurrences DROP COLUMN {column}")
        store.execute("UPDATE alembic_version SET version_num = '0001'")
        store.commit()
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert(end=60)))
        assert [a["status"] for a in await tocsin.alerts()] == ["resolved"]
