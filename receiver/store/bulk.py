"""Many rows, or many values, in one statement: a row at a time costs more in Python than in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

STATEMENT_ROWS = (2000, 500, 100, 20, 5, 1)  # a few sizes, so that statements are prepared once
MAX_VARIABLES = 32_766  # of one SQLite statement

Row = Mapping[str, Any]


class Upsert:
    """Inserts rows, in order, or renews those of the same `id`. Made outside of the transaction, in any thread.

    SQLite gets statements of many rows: it works on them as a whole, without Python's lock, so that other threads run
    meanwhile (measured: docs/adr/0005). PostgreSQL's driver sends rows in one go by itself.
    """

    def __init__(self, table: sa.Table, rows: Sequence[Row], dialect: sa.Dialect) -> None:
        self._table = table
        self._rows = rows
        self._statements = list(_statements(table, rows, dialect)) if dialect.name == "sqlite" else []

    async def run(self, connection: AsyncConnection) -> None:
        if self._statements:
            await connection.run_sync(_run_all, self._statements)
        elif self._rows:
            from sqlalchemy.dialects import postgresql

            await connection.execute(_renewing(self._table, postgresql.insert(self._table)), list(self._rows))


def one_of(column: sa.Column[Any], values: Sequence[str], dialect: sa.Dialect) -> sa.ColumnElement[bool]:
    """`column IN (values)`; in SQLite the values go in as one, which costs the same however many they are."""
    if dialect.name != "sqlite":
        return column.in_(values)
    listed = sa.func.json_each(msgspec.json.encode(values).decode()).table_valued("value")
    return column.in_(sa.select(listed.c.value))


def _run_all(connection: sa.Connection, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
    for text, values in statements:
        connection.exec_driver_sql(text, values)


def _statements(table: sa.Table, rows: Sequence[Row], dialect: sa.Dialect) -> list[tuple[str, tuple[Any, ...]]]:
    columns = [(column.name, _binding(column, dialect)) for column in table.columns]
    statements: list[tuple[str, tuple[Any, ...]]] = []
    start = 0
    for size in STATEMENT_ROWS:
        if size * len(columns) > MAX_VARIABLES:
            continue
        while len(rows) - start >= size:
            values = [
                bind(row[name]) if bind else row[name] for row in rows[start : start + size] for name, bind in columns
            ]
            statements.append((_statement(table, size), tuple(values)))
            start += size
    return statements


def _binding(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """How a column's values become the driver's; None where they are."""
    if isinstance(column.type, sa.LargeBinary):
        return None  # SQLAlchemy's would wrap each value for drivers that need it; sqlite3 takes bytes
    return column.type.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=32)
def _statement(table: sa.Table, rows: int) -> str:
    """The statement of one row, its values written so many times: SQLAlchemy takes a second over 2,000 rows."""
    one = {column.name: None for column in table.columns}
    text = str(_renewing(table, sqlite.insert(table).values(one)).compile(dialect=sqlite.dialect()))
    values = f"({', '.join('?' * len(one))})"
    return text.replace(f"VALUES {values}", f"VALUES {', '.join([values] * rows)}", 1)


def _renewing(table: sa.Table, statement: Any) -> Any:
    changed = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)
