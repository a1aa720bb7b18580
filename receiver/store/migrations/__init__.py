"""The store's history: each change of its tables is one file in `versions/`; expand first, contract a release later."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from tocsin.errors import TocsinError


def upgrade(connection: sa.Connection) -> None:
    """Brings the tables up to date, within the caller's transaction.

    Raises:
        TocsinError: a newer Tocsin wrote this store.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise TocsinError(f"the store was written by a newer Tocsin ({error}); upgrade, or use its backup") from error
