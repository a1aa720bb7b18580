"""How often a target of an escalation has chosen in turn."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("target", TEXT, primary_key=True),
        sa.Column("taken", sa.Integer, nullable=False),
    )
