"""Messages with their states, whom they are for, and what keeps them waiting."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("address", TEXT, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("held_until", sa.BigInteger))
    op.add_column("jobs", sa.Column("reason", TEXT))
    op.create_index("jobs_incident", "jobs", ["incident"])
    _index("jobs_held", "jobs", ["address", "held_until"], "held_until IS NOT NULL")
    op.add_column("finished_jobs", sa.Column("state", TEXT, nullable=False, server_default="done"))
    op.add_column("finished_jobs", sa.Column("address", TEXT, nullable=False, server_default=""))
    op.add_column("finished_jobs", sa.Column("payload", sa.LargeBinary))
    op.add_column("finished_jobs", sa.Column("carried_by", TEXT))
    _index("finished_jobs_told", "finished_jobs", ["address", "finished_at"], "address != ''")
    _index("finished_jobs_incident", "finished_jobs", ["incident"], "address != ''")
    _index("finished_jobs_dead", "finished_jobs", ["id"], "state = 'dead'")


def _index(name: str, table: str, columns: list[str], rows: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
