"""What several replicas and retention need: who holds the engine, until when a job is claimed, what is old."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("engine", sa.Column("holder", TEXT, nullable=False, server_default=""))
    op.add_column("engine", sa.Column("expires_at", sa.BigInteger))
    op.add_column("jobs", sa.Column("claimed_until", sa.BigInteger))
    op.add_column("incidents", sa.Column("resolved_at", sa.BigInteger))
    _date_what_is_resolved()
    _create_partial_index("incidents_resolved", "incidents", "resolved_at", "resolved_at IS NOT NULL")
    _create_partial_index("occurrences_alone", "occurrences", "ends_at", "incident IS NULL AND ends_at IS NOT NULL")
    _create_partial_index("jobs_running", "jobs", "claimed_until", "state = 'running'")
    op.create_index("finished_jobs_oldest", "finished_jobs", ["finished_at"])
    op.create_index("quarantine_oldest", "quarantine", ["received_at"])
    table = op.create_table(
        "compatibility",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("oldest", TEXT, nullable=False),
    )
    op.bulk_insert(table, [{"id": 1, "oldest": "0001"}])


def _date_what_is_resolved() -> None:
    """By the last thing that happened to it: at most the all-clear is later than the end."""
    op.execute(
        "UPDATE incidents SET resolved_at = (SELECT max(at) FROM events WHERE events.incident = incidents.id) "
        "WHERE status = 'resolved'"
    )


def _create_partial_index(name: str, table: str, column: str, rows: str) -> None:
    where = sa.text(rows)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
