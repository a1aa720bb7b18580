"""People's own templates: one file a message, medium and language, ours where they have none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import jinja2
import structlog

from receiver.engine.occurrence import one_line
from receiver.engine.plan import Message
from receiver.notify.bounded import BoundedEnvironment
from receiver.notify.speech import LANGUAGES
from tocsin.problem import Position, Problem

log = structlog.get_logger("receiver.notify")

MEDIA = ("subject", "txt", "html", "short", "spoken")
MESSAGES = (*get_args(Message), "message")  # `message`: any of them
NAME = re.compile(rf"({'|'.join(MESSAGES)})(?:\.({'|'.join(LANGUAGES)}))?\.({'|'.join(MEDIA)})\.j2")
MOST_FILES = 500


@dataclass(frozen=True)
class OwnTemplates:
    """Templates that were read, by file name. One that fails is told once; until the next reading ours stand in."""

    environment: BoundedEnvironment = field(default_factory=lambda: BoundedEnvironment(one_line))
    templates: Mapping[str, jinja2.Template] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def write(self, facts: Mapping[str, Any], medium: str) -> str | None:
        """What their template for this message makes of it; None: they have none, or it fails."""
        name = next(
            (name for name in wanted(str(facts["message"]), str(facts["language"]), medium) if self._has(name)), ""
        )
        if not name:
            return None
        try:
            return self.environment.fill(self.templates[name], facts)
        except Exception as error:  # noqa: BLE001 - whatever a template does wrong must not cost a page
            self._failed.add(name)
            log.error(
                "a message template fails: Tocsin's own words stand in until templates are read again",
                template=name,
                line=line_of(error, name),
                reason=one_line(f"{type(error).__name__}: {error}", 300),
            )
            return None

    def _has(self, name: str) -> bool:
        return name in self.templates and name not in self._failed


def wanted(message: str, language: str, medium: str) -> Iterator[str]:
    """The files that could say it, the most particular first."""
    for first in (message, "message"):
        yield f"{first}.{language}.{medium}.j2"
        yield f"{first}.{medium}.j2"


def read(folder: Path) -> tuple[OwnTemplates, list[Problem]]:
    """The templates of a folder, and what is wrong with them."""
    own, problems = BoundedEnvironment(one_line), list[Problem]()
    templates: dict[str, jinja2.Template] = {}
    if not folder.is_dir():
        problems.append(_problem(folder, 0, "there is no such folder of templates", "name it in templates.folder"))
        return OwnTemplates(own), problems
    for file in sorted(folder.glob("*.j2"))[:MOST_FILES]:
        if not NAME.fullmatch(file.name):
            hint = f"MESSAGE[.LANGUAGE].MEDIUM.j2, of {', '.join(MESSAGES)}; {', '.join(LANGUAGES)}; {', '.join(MEDIA)}"
            problems.append(_problem(file, 0, "is no name of a template", hint))
            continue
        try:
            templates[file.name] = own.make(file.read_text(encoding="utf-8"), file.name)
        except jinja2.TemplateSyntaxError as error:
            problems.append(_problem(file, error.lineno, str(error.message), "see docs/reference/templates.md"))
        except (OSError, ValueError) as error:
            problems.append(_problem(file, 0, f"cannot be read: {error}", "it must be a text in UTF-8"))
    return OwnTemplates(own, templates), problems


def line_of(error: BaseException, name: str) -> int:
    """The line of a template in which an error arose; 0 if it is not known."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _problem(file: Path, line: int, message: str, hint: str) -> Problem:
    return Problem("template", message, Position(str(file), line, 1 if line else 0), hint=hint)
