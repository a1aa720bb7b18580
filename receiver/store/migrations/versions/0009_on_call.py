"""Who takes whose turn: overrides and swaps that people add at run time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "overrides",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("schedule", TEXT, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("swap_with", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.Column("removed_by", TEXT),
    )
    op.create_index("overrides_ends_at", "overrides", ["ends_at"])
