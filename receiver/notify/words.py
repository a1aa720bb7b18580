"""What a language has to say for itself: names, plurals and sentences with places for names and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.model import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Sentences are ours and are filled by `str.format`: what comes from outside is only ever filled in.

    `nouns` are singular and plural, `ago` the same units of time where the language bends them after "ago". `reasons`
    turns the reasons that the engine gives, which are English, phrase by phrase.
    """

    language: str
    date: str  # strftime, to the second
    thousands: str
    singular: Callable[[int], bool]
    severities: Mapping[Severity, str]
    marks: Mapping[str, str]  # of a subject, by message; a page is marked by its severity
    nouns: Mapping[str, tuple[str, str]]
    ago: Mapping[str, tuple[str, str]]
    sentences: Mapping[str, str]
    reasons: tuple[tuple[str, str], ...] = ()  # regular expression, replacement
