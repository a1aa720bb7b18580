"""Texts as they may stand in a picture or on a terminal."""

from __future__ import annotations

from unicodedata import category, east_asian_width

LONGEST = 44  # letters in a box


def clean(text: str) -> str:
    """Without what XML forbids or a terminal obeys: control characters, and halves of pairs."""
    return "".join("�" if category(letter) in {"Cc", "Cs", "Cn"} or ord(letter) in BIDI else letter for letter in text)


BIDI = frozenset({*range(0x202A, 0x202F), *range(0x2066, 0x206A)})  # turn the direction of what follows


def shortened(text: str, longest: int = LONGEST) -> str:
    """At most so many letters, the middle left out: a name's end tells as much as its beginning."""
    text = clean(text)
    if len(text) <= longest:
        return text
    kept = longest - 1
    return text[: kept - kept // 2] + "…" + text[len(text) - kept // 2 :]


def columns(text: str) -> int:
    """The width in letters; East Asian wide ones count twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
