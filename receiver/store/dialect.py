"""Where SQLite and PostgreSQL differ in what is said to them: everything else in the store is the same for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from receiver.store.schema import Time

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

MIGRATION_SECONDS = 60  # on a busy machine the migrations themselves take a while to load
MIGRATION_LOCK = 0x746F63_02  # "toc" and a number: advisory locks are one name space for a whole database

_DATA_EXCEPTION = "22"  # the classes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_AGAIN = ("40001", "40P01")  # serialization_failure, deadlock_detected


class now(FunctionElement[Any]):  # noqa: N801  # reads as the SQL function that it is
    """The database's own clock at this very moment, whatever the clocks of the replicas say."""

    type = Time()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_of_sqlite(_element: now, _compiler: Any, **_options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"  # exact to the millisecond


@compiles(now, "postgresql")
def _now_of_postgresql(_element: now, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows `on_conflict_do_update`; both databases spell it the same."""
    if is_postgresql(connection):
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def is_postgresql(connection: AsyncConnection) -> bool:
    return connection.dialect.name == "postgresql"


def migrate_alone(connection: sa.Connection) -> None:
    """Lets one replica migrate at a time, and think for longer between two statements than while it serves.

    SQLite's folder has one user anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{MIGRATION_SECONDS}s'")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def is_about_data(error: DBAPIError) -> bool:
    """Whether the database refuses a value, which it will refuse for ever, rather than the moment."""
    state = _state(error)
    return state.startswith(_DATA_EXCEPTION) or isinstance(getattr(error.orig, "__cause__", None), ValueError)


def is_worth_another_decision(error: DBAPIError) -> bool:
    """Whether two transactions stood in each other's way, so that one of them was undone."""
    return _state(error) in _AGAIN


def _state(error: DBAPIError) -> str:
    """PostgreSQL's five letters for an error; SQLite has none."""
    return str(getattr(error.orig, "sqlstate", None) or "")
