"""The first tables: the schema as it is, until a release freezes it and a second file is needed."""

from alembic import op

from receiver.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
