"""What an alert says of its cause, and what links it to one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from receiver.engine.causes.board import Anchor, Pair


class Relation(StrEnum):
    """How an alert hangs on what explains it."""

    HERE = "here"  # it fires where that began
    DEPENDS = "depends"  # it fires on what depends on that
    SHARES = "shares"  # both name one node, pod or shard
    CARRIED = "carried"  # it fires on, or depends on, a service that runs where that began
    MENTIONS = "mentions"  # its text names what that began on; the weakest, and asked last
    NEARBY = "nearby"  # nothing but time; a node that breaks down hits services of which we know nothing


@dataclass(frozen=True, slots=True)
class Clue:
    """What an alert says of its cause: its name, where it is, and when its trouble began (Unix seconds)."""

    name: str
    node: str
    shared: tuple[Pair, ...]
    onset: float
    text: str = ""  # what it says of itself


@dataclass(frozen=True, slots=True)
class Link:
    """What explains an alert: the anchor, how, and how much likelier than chance."""

    anchor: Anchor
    odds: float
    relation: Relation
    way: tuple[str, ...] = ()

    @property
    def takes_along(self) -> bool:
        """Whether what depends on the alert's place could follow, too."""
        return self.relation in (Relation.SHARES, Relation.NEARBY)
