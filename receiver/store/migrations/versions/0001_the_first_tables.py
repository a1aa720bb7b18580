"""The first tables, as they were: inbox, quarantine, engine, incidents, events, occurrences, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "inbox",
        _serial(),
        *_texts("source"),
        _time("received_at"),
        _integer("alerts"),
        _bytes("content"),
        sqlite_autoincrement=True,
    )
    op.create_table("quarantine", _id(), *_texts("source"), _time("received_at"), *_texts("reason"), _bytes("content"))
    op.create_table("engine", _id(), _number("epoch"), _number("position"))
    _incidents()
    _occurrences()
    _jobs()


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", TEXT, primary_key=True),
        *_texts("tenant", "key", "status", "severity"),
        _time("opened_at"),
        _integer("version"),
        _bytes("state"),
    )
    op.create_index("incidents_newest", "incidents", ["opened_at", "id"])
    op.create_index("incidents_status", "incidents", ["status", "severity"])
    _create_partial_index("incidents_open_key", "incidents", "key", "status != 'resolved'")
    op.create_table(
        "events",
        sa.Column("incident", TEXT, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        _time("at"),
        _bytes("event"),
        sqlite_with_rowid=False,
    )


def _occurrences() -> None:
    op.create_table(
        "occurrences",
        sa.Column("id", TEXT, primary_key=True),
        *_texts("identity", "tenant", "source", "fingerprint"),
        _time("starts_at"),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("incident", TEXT),
        _bytes("labels"),
        _bytes("annotations"),
        *_texts("generator_url"),
    )
    op.create_index("occurrences_identity", "occurrences", ["identity", "ends_at"])
    op.create_index("occurrences_incident", "occurrences", ["incident"])
    op.create_index("occurrences_newest", "occurrences", ["starts_at", "id"])
    _create_partial_index("occurrences_open", "occurrences", "identity", "ends_at IS NULL")


def _jobs() -> None:
    op.create_table(
        "jobs",
        _serial(),
        sa.Column("key", TEXT, nullable=False, unique=True),
        *_texts("lane", "queue", "incident"),
        _time("due_at"),
        *_texts("state"),
        _integer("attempt"),
        _number("epoch"),
        _bytes("payload"),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_due", "jobs", ["lane", "state", "due_at"])
    op.create_index("jobs_queue", "jobs", ["queue", "id"])
    op.create_table(
        "finished_jobs",
        _id(),
        *_texts("key", "lane", "incident"),
        _time("finished_at"),
        _integer("attempt"),
        *_texts("outcome"),
    )


def _create_partial_index(name: str, table: str, column: str, rows: str) -> None:
    where = sa.text(rows)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def _serial() -> sa.Column[int]:
    return sa.Column("id", NUMBER, primary_key=True, autoincrement=True)


def _id() -> sa.Column[int]:
    return sa.Column("id", NUMBER, primary_key=True, autoincrement=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)
