"""Where a body came from: whom its sender may speak for, and its trace."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("origin", TEXT))
