"""What people say about an incident, as bodies: each is what one action takes."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from receiver.engine.occurrence import one_line
from receiver.respond import LONGEST_COMMENT
from receiver.web.declared import Moment, Said
from tocsin.config import Duration
from tocsin.duration import UNITS_MS
from tocsin.model import Severity

Line = Annotated[str, Field(max_length=1_000), AfterValidator(lambda text: one_line(text, 1_000))]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_COMMENT, pattern=r"\S")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
LONG = "^(?=[0-9])" + "".join(rf"([0-9]{{1,6}}{unit})?" for unit in UNITS_MS) + "$"  # how a duration is written
Long = Annotated[Duration, Field(examples=["2h"], json_schema_extra={"pattern": LONG})]


class By(Said):
    """Who says so, where no token tells it."""

    by: str = Field("", max_length=1_000, examples=["alice"])


class Reasoned(By):
    """Who says so, and why."""

    reason: Line = ""


class Snooze(Reasoned):
    """Until when nobody is told: a time, or a while from now on."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["until"]}, {"required": ["for"]}]})

    until: Moment = None  # type: ignore[assignment]  # absent, never null
    for_: Long = Field(None, alias="for")  # type: ignore[assignment]

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        if (self.until is None) == (self.for_ is None):
            raise ValueError("say until when, as `until` or as `for` how long")
        return self


class Reassign(Reasoned):
    """To whom it is given: a user's name, or `team:NAME`, `schedule:NAME`, `skill:NAME`, a channel."""

    to: Name = Field(examples=["bob", "team:payments"])


class Escalate(Reasoned):
    """Which policy takes over from its beginning; none: the next step of its own comes now."""

    policy: str = Field("", max_length=200)


class Rate(Reasoned):
    """How bad it is."""

    severity: Severity


class Comment(By):
    """What is to be said of it."""

    text: Text = Field(examples=["The vendor is on it"])
