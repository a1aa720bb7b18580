"""Go's text/template as Prometheus gives it to labels and annotations: enough to tell what it refuses.

Source: text/template/parse (lex.go, parse.go); prometheus template/template.go, rules/alerting.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

VARIABLES = frozenset({"$", "$labels", "$externalLabels", "$externalURL", "$value"})
FIELDS = frozenset({"Labels", "ExternalLabels", "ExternalURL", "Value"})
BUILTINS = (
    "and or not call html index slice js len print printf println urlquery eq ne lt le gt ge "
    "query first label value strvalue args reReplaceAll safeHtml match title toUpper toLower graphLink tableLink "
    "sortByLabel stripPort stripDomain humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp "
    "toTime toDuration now pathPrefix externalURL parseDuration urlQueryEscape tmpl"
)
# vmalert's (lib: app/vmalert/templates/template.go); rules of VictoriaMetrics use them.
VMALERT = (
    "crlfEscape jsonEscape htmlEscape pathEscape queryEscape quotesEscape parseDurationTime formatTime toLowerCase "
    "stripTags isEmpty"
)
FUNCTIONS = frozenset([*BUILTINS.split(), *VMALERT.split()])
OPENERS = frozenset({"if", "range", "with", "define", "block"})
KEYWORDS = OPENERS | {"else", "end", "template", "break", "continue"}

HARMLESS = frozenset({"{{ $value }}", "{{ $labels }}", "{{ $labels.instance }}", "{{ $labels.job }}"})
COMPARING = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
LABEL_OF = re.compile(r"\$labels\.\w+|\.Labels\.\w+|\$externalLabels\.\w+")
PLAIN = re.compile(r"""\{\{(?:[^{}"`']|"[^"{}\\]*")*\}\}""")
TRIMMED = re.compile(r"\s+-\}\}")
COMMENT = re.compile(r"\{\{(- )?/\*.*?\*/( -)?\}\}", re.DOTALL)
TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<string>"(?:\\.|[^"\\\n])*"|`[^`]*`|'(?:\\[^'\n]+|[^'\\\n])')"""
    r"|(?P<number>[-+]?(?:0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)(?![\w]))"
    r"|(?P<chain>\$\w*(?:\.\w+)*|(?:\.\w+)+|\.)"
    r"|(?P<word>[^\W\d]\w*(?:\.\w+)*)|(?P<sign>:=|=|\||\(|\)|,)"
)
ENDS = frozenset(" \t\r\n.,|:)(=")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the part of the text that it is about.

    What is shown as it stands is `harmless`; what is `late` Prometheus loads, and cannot fill in when the alert fires.
    """

    message: str
    part: str
    hint: str
    harmless: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between `{{` and `}}`, in tokens."""

    source: str
    tokens: tuple[Token, ...]

    @property
    def keyword(self) -> str:
        first = self.tokens[0] if self.tokens else None
        return first.text if first and first.kind == "word" and first.text in KEYWORDS else ""


class _FaultyError(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


@lru_cache(maxsize=64)  # several checks ask about one text in turn
def actions(text: str) -> tuple[Sequence[Action], Sequence[Fault]]:
    """The actions of a template, and the first thing that keeps it from being read."""
    found: list[Action] = []
    text = COMMENT.sub("", text) if "/*" in text else text
    at = 0
    try:
        while (start := text.find("{{", at)) >= 0:
            _no_stray_end(text[at:start])
            if plain := PLAIN.match(text, start):
                action, at = _plain_action(plain[0]), plain.end()
            else:
                action, at = _action(text, start)
            found.append(action)
        return found, [fault for fault in [_stray_end(text[at:])] if fault]
    except _FaultyError as error:
        return found, [error.fault]


def _stray_end(text: str) -> Fault | None:
    if "}}" not in text:
        return None
    return Fault("'}}' closes nothing", "}}", "open it with {{, or remove it", harmless=True)


def _no_stray_end(text: str) -> None:
    if fault := _stray_end(text):
        raise _FaultyError(fault)


@lru_cache(maxsize=4096)  # a few actions stand in most texts
def _plain_action(source: str) -> Action:
    return _action(source, 0)[0]


def _action(text: str, start: int) -> tuple[Action, int]:
    """The action that begins at `start`, and where the text goes on."""
    at = start + 2
    if text[at : at + 2] in ("- ", "-\n", "-\t"):
        at += 1
    tokens: list[Token] = []
    while True:
        trimmed = TRIMMED.match(text, at)
        if trimmed or text.startswith("}}", at):
            end = trimmed.end() if trimmed else at + 2
            return Action(text[start:end], tuple(tokens)), end
        match = TOKEN.match(text, at)
        rest = text[at : at + 20].strip()
        if not rest or text.startswith("{{", at) or "}}" not in text[at:]:
            raise _FaultyError(Fault("'{{' is never closed", text[start : start + 20].strip(), "close it with }}"))
        if match is None or match.end() == at:
            raise _FaultyError(_unreadable(text[at], text[start : at + 1]))
        at = match.end()
        if (
            match.lastgroup in ("chain", "word")
            and at < len(text)
            and text[at] not in ENDS
            and text[at : at + 2] != "}}"
        ):
            raise _FaultyError(_unreadable(text[at], match.group()))
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group()))


def _unreadable(letter: str, part: str) -> Fault:
    hint = 'see Go\'s text/template; a label of another name is {{ index $labels "the-name" }}'
    if letter == "'":
        hint = 'write texts in double quotes or backticks: printf "%.2f" $value'
    return Fault(f"the template cannot be read at {letter!r}", part, hint)


@lru_cache(maxsize=1_000)  # rules of one kind say the same of different series
def faults(text: str) -> Sequence[Fault]:
    """What Prometheus would refuse in a label or annotation."""
    return tuple(_faults(text)) if "{{" in text or "}}" in text else ()


def _faults(text: str) -> Iterator[Fault]:
    found, unreadable = actions(text)
    yield from unreadable
    if not any(not fault.harmless for fault in unreadable):
        yield from _Reader().read(found)


@dataclass(slots=True)
class _Scope:
    keyword: str
    variables: set[str]
    has_else: bool = False


@dataclass(slots=True)
class _Reader:
    """Follows blocks and variables; `scopes[0]` is the template itself."""

    scopes: list[_Scope] = field(default_factory=lambda: [_Scope("", set(VARIABLES))])

    def read(self, found: Iterable[Action]) -> Iterator[Fault]:
        for action in found:
            if action.source in HARMLESS:
                continue
            fault = self._block(action)
            if fault:
                yield fault
                return
            yield from self._pipeline(action)
        if len(self.scopes) > 1:
            keyword = self.scopes[-1].keyword
            yield Fault("a block is not closed", "", f"every if, range and with needs {{{{ end }}}}; this is {keyword}")

    def _block(self, action: Action) -> Fault | None:
        keyword, scope = action.keyword, self.scopes[-1]
        hint = "every if, range and with needs {{ end }}"
        if not action.tokens:
            return Fault("'{{ }}' is empty", action.source, "write a value, or remove it")
        if keyword == "end":
            if len(self.scopes) == 1:
                return Fault("'end' closes no block", action.source, hint)
            self.scopes.pop()
        elif keyword == "else":
            if scope.keyword not in ("if", "range", "with", "else if") or scope.has_else:
                return Fault("'else' belongs to no block", action.source, hint)
            scope.has_else = len(action.tokens) == 1
        elif keyword in ("break", "continue"):
            if not any(other.keyword == "range" for other in self.scopes):
                return Fault(f"{keyword!r} stands outside range", action.source, "remove it")
        elif keyword in OPENERS:
            if len(action.tokens) == 1:
                return Fault(f"{keyword!r} says no value", action.source, f"write {{{{ {keyword} <value> }}}}")
            variables = {"$"} if keyword in ("define", "block") else set(scope.variables)
            self.scopes.append(_Scope(keyword, variables))
        return None

    def _pipeline(self, action: Action) -> Iterator[Fault]:
        """Variables and functions that do not exist, parentheses, pipes that lead nowhere."""
        tokens = action.tokens
        for index, token in enumerate(tokens):
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if token.kind == "chain" and token.text.startswith("$"):
                name = token.text.split(".")[0]
                if following == ":=" or self._second_of_two(tokens, index):
                    self.scopes[-1].variables.add(name)
                elif name not in self.scopes[-1].variables:
                    hint = f"known are: {', '.join(sorted(VARIABLES - {'$'}))}"
                    yield Fault(f"undefined variable {name!r}", token.text, hint)
            elif token.kind == "chain" and token.text != ".":
                yield from self._field(token.text)
            elif token.kind == "word" and not (index == 0 and action.keyword) and not _is_word(tokens, index):
                yield Fault(f"function {token.text!r} does not exist", token.text, _near(token.text))
        yield from _compared(tokens)
        yield from _shape(action)

    @staticmethod
    def _second_of_two(tokens: tuple[Token, ...], index: int) -> bool:
        """`range $i, $x := …`: the first of the two stands before a comma."""
        after = [token.text for token in tokens[index + 1 : index + 4]]
        return after[:1] == [","] and after[2:3] == [":="]

    def _field(self, chain: str) -> Iterator[Fault]:
        """Fields of the dot, which is Prometheus's own until a range or with changes it."""
        if any(scope.keyword in ("range", "with", "define", "block") for scope in self.scopes):
            return
        name = chain.split(".")[1]
        if name not in FIELDS:
            hint = (
                f"write $labels.{name} for a label, $value for the value; fields are .Labels, .Value, .ExternalLabels"
            )
            yield Fault(f"the template has no field {chain!r}", chain, hint, late=True)


def _is_word(tokens: tuple[Token, ...], index: int) -> bool:
    text = tokens[index].text
    after_else = index == 1 and tokens[0].text == "else" and text in ("if", "with")
    return text in FUNCTIONS or text in ("true", "false", "nil") or after_else


def _near(name: str) -> str:
    near = get_close_matches(name, FUNCTIONS, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"write {{{{ $labels.{name} }}}} for a label, or quote a text"


def _compared(tokens: Sequence[Token]) -> Iterator[Fault]:
    """Go compares what is of one type: a value is a float, a label a text. (text/template/funcs.go: basicKind)"""
    for index, word in enumerate(tokens):
        if word.kind == "word" and word.text in COMPARING:
            kinds = {token.text: _type(token) for token in tokens[index + 1 : index + 3]}
            if len(kinds) == 2 and "" not in kinds.values() and len(set(kinds.values())) == 2:
                (one, kind), (other, another) = kinds.items()
                number = next((text for text, kind in kinds.items() if kind == "whole number"), "")
                hint = f"write {number}.0"
                if "text" in kinds.values():
                    hint = "labels are texts, values are numbers: write the constant in quotes, or without"
                message = f"{word.text!r} cannot compare {one}, a {kind}, with {other}, a {another}"
                yield Fault(message, f"{word.text} {one} {other}", hint, late=True)


def _type(token: Token) -> str:
    """What a constant, a label or the value is to Go; nothing where that cannot be told."""
    if token.kind == "string":
        return "text"
    if token.kind == "number":
        return "float" if set(token.text.lower()) & set(".e") and "x" not in token.text.lower() else "whole number"
    if token.kind != "chain":
        return ""
    if token.text in ("$value", ".Value", "$.Value"):
        return "float"
    return "text" if LABEL_OF.fullmatch(token.text) else ""


def _shape(action: Action) -> Iterator[Fault]:
    depth, before = 0, "|"
    tokens = action.tokens[1:] if action.keyword else action.tokens
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        if depth < 0 or (token.text == "|" and token.kind == "sign" and before in ("|", "(")):
            break
        before = token.text if token.kind == "sign" else ""
    else:
        if depth == 0 and not (tokens and before == "|"):
            return
    what = "a pipe leads nowhere" if depth == 0 else "parentheses do not match"
    yield Fault(what, action.source, "see Go's text/template")
