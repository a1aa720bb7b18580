"""The pages that alerts' `runbook` annotations lead to: which there are, and one as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

from markdown_it import MarkdownIt

from tocsin import data
from tocsin.errors import TocsinError

PACK = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
ALERT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
MOST_PAGES = 10_000
MOST_BYTES = 262_144

Name = tuple[str, str]  # of a pack and of an alert


@dataclass(frozen=True, slots=True)
class RunbookPages:
    """The files of the pages, by pack and alert; those of one's own folder take the place of those that ship."""

    files: Mapping[Name, Path] = field(default_factory=dict)

    @classmethod
    def found(cls, own: Path | None) -> Self:
        """Those that are there now: `PACK/ALERT.md` in one's own folder, and those that ship."""
        return cls({**_in(shipped()), **(_in(own) if own else {})})

    def text(self, name: Name) -> str | None:
        """A page's Markdown; None: there is none, or none that can be read."""
        file = self.files.get(name)
        if file is None:
            return None
        try:
            with file.open("rb") as stream:
                return stream.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return None


def shipped() -> Path | None:
    """Where the pages of the packs lie that ship; None in a part of a checkout."""
    try:
        return data.folder("runbook-pages")
    except TocsinError:
        return None


def _in(folder: Path | None) -> dict[Name, Path]:
    """The pages in a folder, by what only such names can be; whatever else lies there is none."""
    found: dict[Name, Path] = {}
    for file in sorted(folder.glob("*/*.md"))[:MOST_PAGES] if folder else ():
        pack, alert = file.parent.name, file.stem
        if PACK.fullmatch(pack) and ALERT.fullmatch(alert) and file.is_file():
            found[pack, alert] = file
    return found


def rendered(text: str) -> str:
    """Markdown as HTML; HTML in it is text, and links lead to http, https and mailto alone."""
    html: str = _markdown().render(text)
    return html


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
