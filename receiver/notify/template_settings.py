"""`templates`: where people's own templates lie. Each is tried with a sample when the configuration is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self, cast, get_args

import jinja2
from pydantic import Field, ValidationInfo, field_validator, model_validator

from receiver.engine.plan import Message
from receiver.notify.own import NAME, OwnTemplates, line_of, read
from receiver.notify.sample import sample
from receiver.notify.sheet import sheet
from receiver.notify.speech import Speech
from tocsin.config import Settings
from tocsin.errors import InputError
from tocsin.problem import Position, Problem


class TemplatesSettings(Settings):
    """Where people's own templates lie."""

    folder: Path | None = Field(None, description="A folder of own templates; none: Tocsin's own words.")

    @field_validator("folder")
    @classmethod
    def _beside_the_file(cls, folder: Path | None, info: ValidationInfo) -> Path | None:
        return None if folder is None else (info.context or {}).get("folder", Path()) / folder

    @model_validator(mode="after")
    def _each_works(self) -> Self:
        if self.folder is not None:
            own, problems = read(self.folder)
            problems += _tried(own, self.folder)
            if problems:
                raise InputError(problems)
        return self

    def read(self) -> OwnTemplates:
        """The templates as they are now.

        Raises:
            InputError: one of them cannot be used.
        """
        if self.folder is None:
            return OwnTemplates()
        own, problems = read(self.folder)
        if problems:
            raise InputError(problems)
        return own


def _tried(own: OwnTemplates, folder: Path) -> Iterator[Problem]:
    """What templates do wrong with a sample of each message that they are for."""
    for name, template in own.templates.items():
        found = NAME.fullmatch(name)
        assert found is not None  # only such names are read
        messages = get_args(Message) if found[1] == "message" else (cast("Message", found[1]),)
        for message in messages:
            envelope = sample(message, found[2] or "en")
            try:
                own.environment.fill(template, sheet(envelope, Speech.to(envelope.to)).facts)
            except (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
                line = line_of(error, name)
                said = f"fails with a sample {message}: {error}"
                at = Position(str(folder / name), line, 1 if line else 0)
                yield Problem("template", said, at, hint="see docs/reference/templates.md for what a template is given")
                break
