"""A verdict: somebody says of one point of one series that it is normal, or that it is an anomaly.

It carries the evidence that it is about, so that what it teaches depends on nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from exporter.reading import Key, key_of
from exporter.replaying.asking import show_time

Word = Literal["normal", "anomaly"]
WORDS: tuple[Word, ...] = ("normal", "anomaly")
LONGEST_NOTE = 1_000  # characters
MOST_PIECES = 64
LARGEST = 1e9  # of any number here

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Share = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Vector = Annotated[dict[Name, Share], msgspec.Meta(max_length=MOST_PIECES)]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at` and `said_at` are Unix seconds; `score` is what the point scored without feedback when that was said.

    The evidence by piece, signed: `shares` of what scores 1 and `sizes` at the strongest moment of what the verdict is
    about, whose score is `strength`; `highest` and `lowest` sizes over all of it. Pieces of another model than the
    default one begin with its name and a dot; `model` is whose score it was, empty for the default one.
    """

    id: Name
    query: Name
    labels: dict[str, str]
    at: float
    verdict: Word
    shares: Vector
    sizes: Vector
    highest: Vector
    lowest: Vector
    strength: Share
    score: float | None = None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] = ""
    by: str = ""
    said_at: float = 0.0
    model: str = ""

    @property
    def key(self) -> Key:
        return key_of(self.labels)


class Removal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verdict is taken back."""

    removed: Name
    by: str = ""
    said_at: float = 0.0


@dataclass(frozen=True, slots=True)
class About:
    """The evidence that a verdict carries; as there."""

    shares: Mapping[str, float]
    sizes: Mapping[str, float]
    highest: Mapping[str, float]
    lowest: Mapping[str, float]
    strength: float
    model: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says, before its evidence is known."""

    query: str
    key: Key
    at: float
    verdict: Word
    note: str
    by: str
    said_at: float

    def verdict_on(self, about: About, score: float | None) -> Verdict:
        """The verdict, with an id made of what it is about and when it was said."""
        known = repr((self.query, self.key, self.at, self.verdict, self.by, self.said_at))
        return Verdict(
            id=hashlib.blake2b(known.encode(), digest_size=6).hexdigest(),
            query=self.query,
            labels=dict(self.key),
            at=self.at,
            verdict=self.verdict,
            shares=dict(about.shares),
            sizes=dict(about.sizes),
            highest=dict(about.highest),
            lowest=dict(about.lowest),
            strength=about.strength,
            model=about.model,
            score=score,
            note=self.note,
            by=self.by,
            said_at=self.said_at,
        )


def shown(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it is listed, times in RFC 3339."""
    return {
        "id": verdict.id,
        "query": verdict.query,
        "labels": verdict.labels,
        "at": show_time(verdict.at),
        "verdict": verdict.verdict,
        "score": verdict.score,
        "note": verdict.note,
        "by": verdict.by,
        "said_at": show_time(verdict.said_at),
    }
