"""Whom a step of an escalation means, as one word of text: `mail`, `user:alice`, `team:payments least_loaded`.

A word without a kind is a channel as it is configured. `skill:postgres` means those of all users who have the skill,
`team:payments skill=postgres` those of a team.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

Kind = Literal["channel", "user", "team", "schedule", "skill"]
Choice = Literal["all", "least_loaded", "round_robin"]

KINDS = get_args(Kind)
CHOICES = get_args(Choice)
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
WAYS = "write a channel's name, user:NAME, team:NAME, schedule:NAME or skill:NAME"


@dataclass(frozen=True, slots=True)
class Target:
    """`choose` says how many of several people: all, the one with fewest open incidents, or one after the other."""

    kind: Kind
    name: str
    skill: str = ""
    choose: Choice = "all"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The target that a text names.

        Raises:
            ValueError: it names none; the message tells how to write one.
        """
        first, *rest = text.split() or [""]
        kind, colon, name = first.partition(":")
        if not colon:
            kind, name = "channel", first
        if kind not in KINDS or not NAME.fullmatch(name):
            raise ValueError(f"{text!r} names nobody; {WAYS}")
        skill, choose = "", "all"
        for word in rest:
            if word in CHOICES:
                choose = word
            elif word.startswith("skill=") and NAME.fullmatch(word.removeprefix("skill=")):
                skill = word.removeprefix("skill=")
            else:
                raise ValueError(f"{text!r}: {word!r} is none of {', '.join(CHOICES)} or skill=NAME")
        if rest and kind in ("channel", "user"):
            raise ValueError(
                f"{text!r}: there is nothing to choose from; {' '.join(rest)!r} belongs to teams and skills"
            )
        return cls(kind, name, skill, choose)  # type: ignore[arg-type]  # both were looked up above

    def __str__(self) -> str:
        first = self.name if self.kind == "channel" else f"{self.kind}:{self.name}"
        skill = f" skill={self.skill}" if self.skill else ""
        return first + skill + ("" if self.choose == "all" else f" {self.choose}")
