"""What a build comes to, as plain data: what there is to write, to show and to count."""

from __future__ import annotations

from dataclasses import dataclass

from generator.emit import File
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """`files` only where no problem is an error; `packs` and `rules` are how many were compiled."""

    problems: tuple[Problem, ...]
    files: tuple[File, ...]
    packs: int
    rules: int
