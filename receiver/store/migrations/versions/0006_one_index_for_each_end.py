"""Open and closed occurrences stand in an index each, so that opening one touches one place of one large index."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.drop_index("occurrences_identity", "occurrences")
    closed = sa.text("ends_at IS NOT NULL")
    columns = ["identity", "ends_at"]
    op.create_index("occurrences_closed", "occurrences", columns, sqlite_where=closed, postgresql_where=closed)
