"""Values in the arguments of programs: nothing that a program takes for something else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from receiver.remediate.output import bounded
from receiver.remediate.values import Unfit, Values

LONGEST = 32_768  # characters of one argument; Linux takes 128 KiB
MOST_WORDS = 2_000  # characters of a command as people read it; the plan holds all of it


def text_of(text: str, values: Values) -> str:
    """The text with its values.

    Raises:
        Unfit: there is no such value, or the text is such as no program can take.
    """
    filled = values.fill(text)
    if "\0" in filled:
        raise Unfit(f"{text!r} would hold a NUL, which no program can take")
    if len(filled) > LONGEST:
        raise Unfit(f"{text!r} would have {len(filled):,} characters; {LONGEST:,} are allowed")
    return filled


def filled_argument(text: str, values: Values) -> str:
    """An argument with its values; one that a value makes an option is refused.

    Raises:
        Unfit: as above.
    """
    filled = text_of(text, values)
    if filled.startswith("-") and not text.startswith("-"):
        raise Unfit(f"{text!r} would be the option {filled[:40]!r}; write --name={text} or give the value a pattern")
    return filled


def in_words(command: Sequence[str]) -> str:
    """A command as people read it: as a shell would take it, with nothing in it that does not show."""
    return bounded(" ".join(_shown(one) for one in command), MOST_WORDS)


def _shown(argument: str) -> str:
    return shlex.quote(argument) if argument.isprintable() else json.dumps(argument)
