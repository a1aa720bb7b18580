"""The catalogue's first page: every pack, and every alert by name."""

from __future__ import annotations

from collections.abc import Sequence

from generator.catalogue.markdown import plain, table
from generator.catalogue.page import counted, owner
from generator.rule import Pack


def index(packs: Sequence[Pack]) -> str:
    """All packs by name, as Markdown."""
    rows = [
        [f"[{pack.name}]({pack.name}.md)", plain(owner(pack)), *(str(count) for count in counted(pack).values())]
        for pack in sorted(packs, key=lambda pack: pack.name)
    ]
    heads = ["pack", "owner", "alerts", "recording rules"]
    return f"# Rules\n\n{table(heads, rows) if rows else 'None.'}\n"
