"""What others say, before it is shown: made harmless to a terminal, and every secret in it replaced."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
LEAST = 4  # characters of a secret; a shorter one is in every second word
LEAST_PART = 8  # characters of a line of a secret, or of its form inside other base64, that are masked by themselves

_NAMES = r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|(?:secret|access|private)[_-]?key"
_PATTERNS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        # A private key, also one whose beginning or end was cut off. Each group is what is masked.
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(.*?)(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.S),
        (r"\A((?:(?!-----BEGIN).)*?)-----END [A-Z ]{0,40}PRIVATE KEY-----", re.S),
        (r"\b(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?([^\r\n\"']+)", re.I),
        (r"\b(?:set-)?cookie[\"']?\s{0,3}:\s{0,3}[\"']?([^\r\n\"']+)", re.I),
        (r"\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})", re.I),
        (rf"(?:{_NAMES})[\"']?\s{{0,3}}(?:=>|[=:])\s{{0,3}}(?:\"([^\"\n]*)|'([^'\n]*)|([^\s\"',;&]+))", re.I),
        (rf"--(?:[a-z0-9]+-){{0,3}}(?:{_NAMES})\s+(\S+)", re.I),
        (r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,200}:([^\s/@]{1,200})@", re.I),
        (r"\b((?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16})\b", 0),
        (r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)", 0),
        (r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,})", 0),
    )
)

# Escape sequences of terminals; then whatever else is no text: C0, C1, what turns the direction of writing, surrogates.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)|[@-Z\\-_])")
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text without what a terminal, a browser or a database takes for more than text."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", plain)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text, made harmless, with every secret replaced, also its usual encodings and what looks like a secret."""
    plain = harmless(text)
    return masked_part(plain, 0, len(plain), secrets)


def masked_part(text: str, start: int, end: int, secrets: Iterable[str]) -> str:
    """The part of a text from `start` to `end`; what is found in the whole text is masked in it, also at its edges."""
    parts: list[str] = []
    at = start
    for begin, over in _merged(_found(text, secrets)):
        if over <= start or begin >= end:
            continue
        parts += [text[at : max(at, begin)], MASK]
        at = over
    return "".join([*parts, text[at:end]])


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    last: tuple[int, int] | None = None
    for begin, over in sorted(spans):
        if last is None or begin > last[1]:
            if last is not None:
                yield last
            last = (begin, over)
        else:
            last = (last[0], max(last[1], over))
    if last is not None:
        yield last


def _found(text: str, secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    for form in {form for secret in secrets for form in _forms(secret) if len(form) >= LEAST}:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = text.find(form, at + 1)
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield from (match.span(group) for group in range(1, pattern.groups + 1) if match[group])


def _forms(secret: str) -> Iterator[str]:
    """A secret as programs print it: itself, its long lines, encoded for URLs, JSON, as base64 and as hexadecimal."""
    if len(secret) < LEAST:
        return
    yield from (secret.strip(), *(line for line in secret.splitlines() if len(line.strip()) >= LEAST_PART))
    yield harmless(secret)
    yield from (quote(secret, safe=safe, errors="replace") for safe in ("", "/"))
    yield quote_plus(secret, errors="replace")
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    data = secret.encode("utf-8", "replace")
    yield from (data.hex(), data.hex().upper())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode().rstrip("=")
        for before in (1, 2):  # inside other text that was encoded: `user:password`
            inside = encode(bytes(before) + data).decode().rstrip("=")
            part = inside[before + 1 : len(inside) - 1]
            if len(part) >= LEAST_PART:
                yield part
