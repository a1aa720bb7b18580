"""What is held back, why, and by which window."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "suppressions",
        _of_an_occurrence(),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("look_at", sa.BigInteger),
        sa.Column("suppression", sa.LargeBinary, nullable=False),
    )
    op.create_index("suppressions_by", "suppressions", ["by", "occurrence"])
    op.create_index("suppressions_look_at", "suppressions", ["look_at"])
    op.create_table(
        "histories",
        sa.Column("identity", TEXT, primary_key=True),
        sa.Column("look_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("history", sa.LargeBinary, nullable=False),
    )
    op.create_index("histories_look_at", "histories", ["look_at"])
    op.create_index("histories_changed_at", "histories", ["changed_at"])
    op.create_table(
        "places",
        _of_an_occurrence(),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("incident", TEXT, nullable=False),
    )
    op.create_index("places_node", "places", ["node", "tenant"])
    op.create_table(
        "maintenance",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", TEXT),
        sa.Column("settings", sa.LargeBinary, nullable=False),
    )


def _of_an_occurrence() -> sa.Column[str]:
    return sa.Column("occurrence", TEXT, sa.ForeignKey("occurrences.id", ondelete="CASCADE"), primary_key=True)
