"""Matchers with Alertmanager's semantics: `name="v"`, `!=`, `=~`, `!~`, regular expressions anchored at both ends.

Source: prometheus/alertmanager pkg/labels/matcher.go and parse.go, matcher/parse (UTF-8 names, quoted).

Regular expressions are RE2's, by `google-re2`: they mean exactly what they mean to Alertmanager (Go's are RE2's too),
and they run in time linear in the text, so that no expression a person or a script sends in can hold the engine up.
Python's `re` would need a bound on time that it does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

import re2
from pydantic import AfterValidator, BeforeValidator

from tocsin.config import OneOrMore
from tocsin.model import Labels

Operator = Literal["=", "!=", "=~", "!~"]
MOST_SEEN, LONGEST_SEEN = 1000, 200  # values that one expression remembers, and how many characters each has
MAX_LENGTH = 4096  # characters of one matcher's value; RE2 bounds the compiled program by itself

_BARE = r"[^\s{}!=~,\\\"'`]+"  # what Alertmanager's UTF-8 parser takes without quotes
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(
    rf"\s*(?P<name>{_QUOTED}|{_BARE})\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>{_QUOTED}|{_BARE}|)\s*", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
EXAMPLE = 'service="checkout"'


@dataclass(frozen=True)
class Matcher:
    """One condition on one label; a label that is absent has the empty value."""

    name: str
    operator: Operator
    value: str
    negative: bool = field(init=False)
    _seen: dict[str, bool] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "negative", self.operator.startswith("!"))
        if len(self.value) > MAX_LENGTH:
            raise ValueError(f"the value for {self.name} is longer than {MAX_LENGTH:,} characters")
        if self.operator in ("=~", "!~"):
            _ = self._pattern

    @cached_property
    def _pattern(self) -> Any:
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        try:
            return re2.compile(self.value.encode("utf-8", "replace"), options)
        except re2.error as error:
            said = error.args[0] if error.args else error
            reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise ValueError(f"{self.name}: {self.value!r} is no regular expression (RE2): {reason}") from error

    def matches(self, labels: Labels) -> bool:
        """Whether a label set meets the condition."""
        actual = labels.get(self.name, "")
        if self.operator in ("=", "!="):
            return (actual == self.value) is not self.negative
        known = self._seen.get(actual)
        return self._search(actual) if known is None else known

    def _search(self, actual: str) -> bool:
        """Asks the expression, and remembers the answer: the same values come again and again."""
        found = self._pattern.fullmatch(actual.encode("utf-8", "replace"))
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        if len(actual) <= LONGEST_SEEN:
            self._seen[actual] = (found is not None) is not self.negative
        return (found is not None) is not self.negative

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        name = self.name if re.fullmatch(_BARE, self.name) else f'"{self.name}"'
        return f'{name}{self.operator}"{value}"'


Matchers = tuple[Matcher, ...]


def matches(matchers: Matchers, labels: Labels) -> bool:
    """Whether a label set meets every condition."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse(text: str) -> Matchers:
    """The matchers in `name="v", other=~"a|b"`; braces around them and a comma at the end are allowed.

    Raises:
        ValueError: the text says something else; the message tells what and how to mend it.
    """
    inner = text.strip()
    if inner.startswith("{") != inner.endswith("}"):
        raise ValueError(f"{text!r} has one brace of two; write it as {{{EXAMPLE}}} or without braces")
    return tuple(_parse(inner[1:-1] if inner.startswith("{") else inner, text))


def _parse(inner: str, text: str) -> Iterator[Matcher]:
    position = 0
    while position < len(inner):
        match = _MATCHER.match(inner, position)
        if match is None:
            raise ValueError(f"{inner[position:]!r} is no matcher; write it as {EXAMPLE}, with =, !=, =~ or !~")
        operator: Any = match["operator"]
        yield Matcher(_unquote(match["name"]), operator, _unquote(match["value"]))
        position = match.end()
        if position < len(inner):
            if inner[position] != ",":
                raise ValueError(f"{text!r}: a comma is wanted before {inner[position:]!r}; quote values with spaces")
            position += 1


def _unquote(text: str) -> str:
    """Without quotes. Escapes other than \\n, \\" and \\\\ stay as they are, so that "\\d" is a digit."""
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])


def parse_all(texts: Iterable[str]) -> Matchers:
    """The matchers of several texts, all of which must hold."""
    return tuple(matcher for text in texts for matcher in parse(text))


def _checked(texts: tuple[str, ...]) -> tuple[str, ...]:
    found = parse_all(texts)
    if all(matcher.matches({}) for matcher in found):
        raise ValueError(f"these matchers would match every alert; name something, as in {EXAMPLE}")
    return texts


def _one_text(value: object) -> object:
    return [value] if isinstance(value, str) else value


# In configuration and API: a text or a list of texts, all of which must hold; like a silence of Alertmanager's, one of
# them must ask for something that an empty label set has not.
MatcherTexts = Annotated[OneOrMore[str], BeforeValidator(_one_text), AfterValidator(_checked)]
