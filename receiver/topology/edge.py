"""What was found out: edges, where each comes from, and how it stands to what is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["new", "declared", "not seen"]


@dataclass(frozen=True, slots=True)
class Found:
    """An edge that a server's series tell of; `traffic` is in words: `12.3/s`, `2 pods`."""

    caller: str
    dependency: str
    source: str
    traffic: str


@dataclass(frozen=True, slots=True)
class Judged:
    """An edge that was found, or is declared, or both; `source` and `traffic` are empty where it was not seen."""

    caller: str
    dependency: str
    state: State
    source: str = ""
    traffic: str = ""


def compared(found: Iterable[Found], declared: Mapping[str, Sequence[str]]) -> list[Judged]:
    """Every edge once, sorted."""
    edges = {(one.caller, one.dependency): one for one in found}
    known = {(caller, name) for caller, names in declared.items() for name in names}
    judged = []
    for caller, name in sorted(edges.keys() | known):
        one = edges.get((caller, name))
        if one is None:
            judged.append(Judged(caller, name, "not seen"))
        else:
            state: State = "declared" if (caller, name) in known else "new"
            judged.append(Judged(caller, name, state, one.source, one.traffic))
    return judged


def counted(judged: Sequence[Judged]) -> str:
    """`12 edges: 3 new, 8 declared and seen, 1 declared and not seen`."""
    states = [one.state for one in judged]
    words = {"new": "new", "declared": "declared and seen", "not seen": "declared and not seen"}
    parts = [f"{states.count(state)} {said}" for state, said in words.items() if state in states]
    return f"{len(judged)} edge{'' if len(judged) == 1 else 's'}: {', '.join(parts) or 'none'}"
