"""Secrets that Tocsin made for itself."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
    )
