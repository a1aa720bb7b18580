"""Markdown's small change: texts that stay texts, tables, links, headings and their anchors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlsplit

SPECIAL = re.compile(r"([\\`*_\[\]<>|~&])")
AT_BEGIN = re.compile(r"^(\s*)([#+-]|\d+(?=[.)]))", re.MULTILINE)
TEMPLATE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
SHOWN = re.compile(r"\$(labels\.(?P<label>[A-Za-z_][A-Za-z0-9_]*)|(?P<value>value))(\s*\|[^|]*)*")
NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def plain(text: str) -> str:
    """The text as it stands, on one line: nothing in it is taken for Markdown."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return AT_BEGIN.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", text))


def message(text: str) -> str:
    """A text with Go templates, as people read it: ‹instance› for `{{ $labels.instance }}`, ‹value› for the value."""
    parts: list[str] = []
    end = 0
    for found in TEMPLATE.finditer(text):
        parts += [_escaped(text[end : found.start()]), _shown(found)]
        end = found.end()
    return "".join([*parts, _escaped(text[end:])]).strip()


def _shown(template: re.Match[str]) -> str:
    shown = SHOWN.fullmatch(template[1])
    return f"‹{_escaped(shown['label'] or shown['value'])}›" if shown else code(template[0])


def code(text: str) -> str:
    """The text as code, whatever backquotes it holds; `|` would end the cell of a table."""
    text = " ".join(text.split()).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str, language: str) -> str:
    """A block of code; its fence is longer than any in the text."""
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def link(text: str, address: str) -> str:
    """A link where the address can be followed from a browser; else the address as code."""
    if urlsplit(address.partition("{{")[0]).scheme not in ("http", "https") or "{{" in address:
        return f"{text}: {code(address)}"
    return f"[{text}]({quote(address, safe=':/?#@!$&*+,;=%~')})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


class Anchors:
    """The anchors of one page's headings, as GitHub makes them; a heading that comes again gets a number."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def of(self, heading: str) -> str:
        anchor = NOT_IN_ANCHORS.sub("", heading.strip().lower()).replace(" ", "-")
        if anchor not in self._taken:
            self._taken[anchor] = 0
            return anchor
        self._taken[anchor] += 1
        return self.of(f"{anchor}-{self._taken[anchor]}")
