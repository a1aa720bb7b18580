"""What is held back, why, and by which window."""

from alembic import op

from receiver.store.schema import histories, maintenance, places, suppressions

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in (suppressions, histories, places, maintenance):
        table.create(op.get_bind(), checkfirst=True)
