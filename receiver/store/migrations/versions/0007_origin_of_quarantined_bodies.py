"""For which tenants a body in quarantine may speak: it counts, too, when the body is processed after all."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.TEXT().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("origin", TEXT))
