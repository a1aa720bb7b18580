"""Occurrences that expired, and the end of the one before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("occurrences", sa.Column("expired", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("occurrences", sa.Column("not_before", sa.BigInteger))
