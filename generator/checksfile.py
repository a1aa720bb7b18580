"""The file that says which checks weigh how much where, and what they may take for granted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from generator import version
from generator.checks import CHECKS
from generator.levels import Levels, Override, glob
from tocsin import config
from tocsin.problem import Level

LEVELS: Mapping[Any, Level | None] = {"error": "error", "warning": "warning", "info": "info", "off": None, False: None}


def _check(name: str) -> str:
    if name in CHECKS:
        return name
    near = get_close_matches(name, CHECKS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "tocsin rules checks lists those that exist"
    raise _custom(f"there is no check {name!r}", hint)


def _level(given: Any) -> Level | None:
    if isinstance(given, str | bool) and given in LEVELS:
        return LEVELS[given]
    raise _custom(f"{given!r} is no level", "write error, warning, info or off")


def _texts(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _version(given: Any) -> tuple[int, int]:
    try:
        return version.parse(str(given))
    except ValueError as error:
        raise _custom(str(error), "write it in quotes: '2.45'") from None


def _custom(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("value", "{message}", {"message": message, "hint": hint})


ByCheck = dict[Annotated[str, AfterValidator(_check)], Annotated[Any, AfterValidator(_level)]]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Version = Annotated[Any, AfterValidator(_version)]


class _Override(config.Settings):
    checks: ByCheck
    paths: Patterns = ()
    rules: Patterns = ()


class ChecksFile(config.Settings):
    """The file: `checks` for all, `overrides` for some files or rules, and the defaults of two options."""

    checks: ByCheck = Field(default_factory=dict)
    overrides: tuple[_Override, ...] = ()
    scrape_interval: config.Duration | None = None
    prometheus_version: Version | None = None

    def in_effect(self, folder: Path, given: Levels) -> tuple[Levels, tuple[Override, ...]]:
        """The levels everywhere, and those of some files or rules; what the command line gave wins over both."""
        overrides = (
            Override(
                {name: level for name, level in one.checks.items() if name not in given},
                tuple(_pattern(path, folder) for path in one.paths),
                one.rules,
            )
            for one in self.overrides
        )
        return {**self.checks, **given}, tuple(overrides)


def _pattern(path: str, folder: Path) -> re.Pattern[str]:
    return glob(path, os.path.abspath(folder))


def load(file: Path) -> ChecksFile:
    """The file as it is written.

    Raises:
        InputError: with every problem of it.
    """
    return config.load(file, ChecksFile)
