"""Why alerts are together, in words for a tired person."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from receiver.engine.causes.clue import Clue, Link, Relation
from receiver.engine.occurrence import one_line
from tocsin import duration


def follows(clue: Clue, link: Link, habit: float | None) -> str:
    """Why an alert is a consequence. `habit`: how often alerts of its name follow something."""
    root = link.anchor.root
    cause, lag = root.alert.name, _lag(round(clue.onset - link.anchor.onset))
    where = f"`{clue.node}`" if clue.node else _place(clue.shared)
    match link.relation:
        case Relation.HERE:
            told = f"on {where}, where {cause} began {lag}"
        case Relation.DEPENDS:
            told = f"{where} depends on {_way(link.way)}, whose {cause} began {lag}"
        case Relation.SHARES:
            told = f"same {link.way[0]} `{one_line(link.way[1], 60)}`, whose {cause} began {lag}"
        case Relation.CARRIED:
            through = f"depends on {_way(link.way[1:])}, which runs" if len(link.way) > 1 else "runs"
            told = f"{where} {through} on {_place(root.shared)}, whose {cause} began {lag}"
        case Relation.MENTIONS:
            told = f"its text names `{link.way[-1]}`, whose {cause} began {lag}"
        case Relation.NEARBY:
            told = f"{cause} of {_place(root.shared)} began {lag}, and nothing else explains it"
    often = "" if habit is None else f"such alerts follow {_percent(habit)} of the time, "
    return f"{told}; {often}{_times(link.odds)} likelier than chance"


def alone(name: str, habit: float | None) -> str:
    """Why an alert opens an incident of its own."""
    often = "" if habit is None else f"; {name} comes by itself {_percent(1.0 - habit)} of the time"
    return f"nothing open explains it{often}"


@lru_cache(maxsize=4_096)
def _lag(whole: int) -> str:
    if whole == 0:
        return "at the same time"
    return f"{duration.show(timedelta(seconds=abs(whole)))} {'earlier' if whole > 0 else 'later'}"


def _way(way: tuple[str, ...]) -> str:
    through = f" (by way of {', '.join(way[:-1])})" if len(way) > 1 else ""
    return f"`{way[-1]}`{through}"


def _place(shared: tuple[tuple[str, str], ...]) -> str:
    if not shared:
        return "a place without a name"
    label, value = shared[0]
    return f"{label} `{one_line(value, 60)}`"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _times(odds: float) -> str:
    return f"{odds:.0f} times" if odds < 1000 else "over 1,000 times"
