"""Which database the receiver uses: SQLite in its folder, or PostgreSQL when its URL is configured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from receiver.store.database import Database
from tocsin.config import Settings, read_secret
from tocsin.errors import TocsinError

_POSTGRESQL = re.compile(r"postgres(ql)?(\+asyncpg)?://\S+")
_WANTED = "postgresql://USER:PASSWORD@HOST/DATABASE; without a url the store is SQLite under --storage.path"


def _postgresql(url: str) -> str:
    if not _POSTGRESQL.fullmatch(url):
        raise PydanticCustomError("database_url", "is no URL of PostgreSQL", {"hint": f"write {_WANTED}"})
    return url


class DatabaseSettings(Settings):
    """Where the store lies. A URL with a password stands in a file of its own."""

    url: Annotated[str, AfterValidator(_postgresql)] | None = Field(
        None, description="PostgreSQL, for several replicas; none: SQLite under --storage.path."
    )
    url_file: Path | None = Field(None, description="A file that holds the URL, which may then hold a password.")

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("give either url or url_file")
        return self

    @property
    def is_postgresql(self) -> bool:
        return self.url is not None or self.url_file is not None

    def read_url(self) -> str:
        """PostgreSQL's URL.

        Raises:
            TocsinError: the file cannot be read or holds none.
        """
        if self.url is not None:
            return self.url
        assert self.url_file is not None
        url = read_secret(self.url_file).strip()
        if not _POSTGRESQL.fullmatch(url):
            raise TocsinError(f"{self.url_file}: holds no URL of PostgreSQL: {_WANTED}")
        return url

    async def open(self, folder: Path) -> Database:
        """Opens the store that is configured; `folder` is where SQLite lies.

        Raises:
            TocsinError: it cannot be opened.
        """
        return await Database.connect(self.read_url()) if self.is_postgresql else await Database.open(folder)
