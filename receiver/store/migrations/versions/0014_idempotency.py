"""What requests with an Idempotency-Key were answered."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "answered",
        sa.Column("who", TEXT, primary_key=True),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.LargeBinary),
        sa.Column("content", sa.LargeBinary),
    )
    op.create_index("answered_oldest", "answered", ["at"])
