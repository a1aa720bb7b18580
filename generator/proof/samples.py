"""Texts that a regular expression of RE2 matches: a few short ones, by reading it once from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

MOST = 6  # texts for each part
LONGEST = 500  # characters of an expression that is read
CLASSES = {"d": "0123456789", "w": "abcxyz0189_", "s": " \t", "D": "ax-", "W": "-.:", "S": "ax0"}
NAMED = {"alpha": "abcxyz", "digit": "0123456789", "alnum": "abcxyz0189", "lower": "abcxyz", "upper": "ABCXYZ"}
ANYTHING = "0a"
REPEATS = {"*": (0, 1, 3), "+": (1, 3), "?": (1, 0)}
LETTERS = "axA0-._/: " + "".join(chr(code) for code in range(33, 127))


def samples(pattern: str) -> list[str]:
    """A few texts that may match; who needs to know matches them. Nothing for what is not understood."""
    if len(pattern) > LONGEST:
        return []
    try:
        reader = _Reader(pattern)
        found = reader.alternatives()
        return list(dict.fromkeys(found)) if reader.at_end else []
    except (IndexError, ValueError, RecursionError):
        return []


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.pattern)

    def alternatives(self) -> list[str]:
        found = self._sequence()
        while not self.at_end and self._peek() == "|":
            self.place += 1
            found = [*found, *self._sequence()]
        return list(dict.fromkeys(found))

    def _peek(self) -> str:
        return self.pattern[self.place]

    def _next(self) -> str:
        self.place += 1
        return self.pattern[self.place - 1]

    def _sequence(self) -> list[str]:
        texts = [""]
        while not self.at_end and self._peek() not in "|)":
            piece = self._repeated(self._atom())
            texts = ["".join(pair) for pair in islice(product(texts, piece[:MOST]), MOST)]
        return texts

    def _atom(self) -> list[str]:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            return list(self._class())
        if letter == ".":
            return list(ANYTHING)
        if letter in "^$":
            return [""]
        return list(self._escaped()) if letter == "\\" else [letter]

    def _group(self) -> list[str]:
        if self.pattern.startswith("?", self.place):
            while self._peek() not in ":>)":  # flags, a name
                self.place += 1
            if self._peek() == ")":
                self.place += 1
                return [""]
            self.place += 1
        found = self.alternatives()
        if self._next() != ")":
            raise ValueError("a group has no end")
        return found

    def _escaped(self) -> str:
        letter = self._next()
        if letter in "pPxQEC":
            raise ValueError("not understood")
        known = {"n": "\n", "t": "\t", "b": "", "B": "", "A": "", "z": ""}
        return CLASSES.get(letter) or known.get(letter, letter)

    def _class(self) -> Iterator[str]:
        negative = self._peek() == "^"
        self.place += negative
        letters: list[str] = []
        while self._peek() != "]" or not letters:
            if self.pattern.startswith("[:", self.place):
                name, _, _ = self.pattern[self.place + 2 :].partition(":]")
                self.place += len(name) + 4
                letters += NAMED[name]
                continue
            letter = self._next()
            letters += self._escaped() if letter == "\\" else letter
            if self._peek() == "-" and self.pattern[self.place + 1] != "]":
                self.place += 1
                last = self._next()
                letters += (chr(code) for code in range(ord(letters[-1]), ord(last) + 1)) if len(last) == 1 else ""
        self.place += 1
        if negative:
            return (letter for letter in LETTERS if letter not in letters)
        return iter(letters)

    def _repeated(self, piece: list[str]) -> list[str]:
        if self.at_end or self._peek() not in "*+?{":
            return piece
        times = self._times()
        if not self.at_end and self._peek() == "?":
            self.place += 1
        return list(dict.fromkeys(text * count for count in times for text in piece))

    def _times(self) -> tuple[int, ...]:
        sign = self._next()
        if sign != "{":
            return REPEATS[sign]
        bounds, _, _ = self.pattern[self.place :].partition("}")
        self.place += len(bounds) + 1
        low, _, high = bounds.partition(",")
        return (int(low), int(high)) if high else (int(low),)
