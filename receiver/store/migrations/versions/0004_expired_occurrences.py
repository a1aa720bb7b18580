"""Occurrences that expired, and the end of the one before."""

import sqlalchemy as sa
from alembic import op

from receiver.store.schema import Time

revision = "0004"
down_revision = "0001"


def upgrade() -> None:
    """Adds what is missing: a store that was made today has both from its first file."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("occurrences")}
    new = (
        sa.Column("expired", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("not_before", Time),
    )
    for column in new:
        if column.name not in there:
            op.add_column("occurrences", column)
