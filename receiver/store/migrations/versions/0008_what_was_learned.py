"""What correlation has learned of each tenant's alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "learned",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("learned", sa.LargeBinary, nullable=False),
    )
