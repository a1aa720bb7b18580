"""Names of packs to be: what a pack can be called, each once, and the same whatever else is imported where possible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from generator.importing.imported import Imported

LONGEST = 63
NAMELESS = "rules"


def names(packs: Sequence[Imported]) -> list[str]:
    """A name for each; where several would have one, what each lies in stands in front, and then a number behind."""
    plain = [_valid(pack.name) for pack in packs]
    lies: dict[str, set[str]] = {}
    for pack, name in zip(packs, plain, strict=True):
        lies.setdefault(name, set()).add(pack.within)
    told = [
        _valid(f"{pack.within}-{pack.name}") if len(lies[name]) > 1 else name
        for pack, name in zip(packs, plain, strict=True)
    ]
    single = {name for name, count in Counter(told).items() if count == 1}
    taken = set(single)
    return [name if name in single else _numbered(name, taken) for name in told]


def _numbered(name: str, taken: set[str]) -> str:
    """The name, or the first with a number that nobody has; `taken` grows."""
    number, found = 1, name
    while found in taken:
        number += 1
        ending = f"-{number}"
        found = name[: LONGEST - len(ending)].rstrip("-") + ending
    taken.add(found)
    return found


def _valid(text: str) -> str:
    """The text in lower-case letters, digits and `-`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-") or NAMELESS
