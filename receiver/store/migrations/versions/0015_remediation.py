"""Runs of runbooks, and when all of it was stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "remediations",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("incident", TEXT, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("runbook", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("fleet", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("outcome", TEXT),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("plan_hash", TEXT, nullable=False),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("admitted_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("reason", TEXT, nullable=False),
    )
    op.create_index("remediations_newest", "remediations", ["proposed_at", "id"])
    op.create_index("remediations_incident", "remediations", ["incident"])
    admitted = sa.text("admitted_at IS NOT NULL")
    for name, columns in (
        ("remediations_admitted", ["admitted_at"]),
        ("remediations_target", ["target", "admitted_at"]),
        ("remediations_runbook", ["runbook", "admitted_at"]),
    ):
        op.create_index(name, "remediations", columns, sqlite_where=admitted, postgresql_where=admitted)
    awaiting = sa.text("state = 'awaiting'")
    op.create_index(
        "remediations_awaiting", "remediations", ["expires_at"], sqlite_where=awaiting, postgresql_where=awaiting
    )
    op.create_table(
        "stops",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("stopped_at", sa.BigInteger, nullable=False),
        sa.Column("stopped_by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("started_by", TEXT),
    )
