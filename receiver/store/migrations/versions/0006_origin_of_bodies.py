"""Where a body came from: whom its sender may speak for, and its trace."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("inbox")}
    if "origin" not in known:  # 0001 makes the tables as they are now, until a release freezes it
        op.add_column("inbox", sa.Column("origin", sa.Text))
