"""The store's history: each change of its tables is one file in `versions/`; expand first, contract a release later.

A migration that only adds (tables, indexes, columns that are nullable or have a default in the database) leaves the
release before it able to work: during a rolling upgrade both run on the new tables. What an expanding release no
longer uses is taken away by a later one, whose migration says so in `compatibility.oldest`: the oldest revision whose
release can still use the tables. A release that finds a revision newer than its own works if `oldest` is not newer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from receiver.store.dialect import migrate_alone
from receiver.store.schema import compatibility
from tocsin.errors import TocsinError

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent

log = structlog.get_logger("receiver.store")


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Brings the tables up to date, within the caller's transaction.

    Raises:
        TocsinError: a newer Tocsin wrote this store, and changed more than this one can bear.
    """
    migrate_alone(connection)
    found, newest = revision(connection), head()
    if found == newest:
        return  # as at nearly every start, which need not import alembic for it
    if found is None or found < newest:
        from alembic import command

        command.upgrade(_config(connection), to)
    elif _oldest(connection) <= newest:
        log.info("a newer release has added to the store; this one can use it", revision=found, own=newest)
    else:
        raise TocsinError(
            f"the store was written by a newer Tocsin (revision {found}, this one knows {newest}); "
            "upgrade, or use its backup"
        )


def revision(connection: sa.Connection) -> str | None:
    """The revision of the tables, as alembic notes it; None where there are none yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def head() -> str:
    """The newest revision that this release knows: files are numbered by their revisions."""
    return max(file.name[:4] for file in (_HERE / "versions").glob("[0-9]*.py"))


def _oldest(connection: sa.Connection) -> str:
    return str(connection.execute(sa.select(compatibility.c.oldest)).scalar_one())


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
