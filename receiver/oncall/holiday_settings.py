"""Whose public holidays count."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from receiver.oncall.hours import HolidayDays
from receiver.oncall.public_holidays import holiday_days
from tocsin.config import Settings


def _letters(said: object) -> object:
    return "NO" if said is False else said  # YAML 1.1 takes Norway for a no


Letters = Annotated[str, BeforeValidator(_letters, json_schema_input_type=str)]


class HolidaySettings(Settings):
    """A country by its two letters, and a part of it."""

    country: Letters
    subdivision: Letters = ""

    @model_validator(mode="after")
    def _known(self) -> Self:
        self.days()
        return self

    def days(self) -> HolidayDays:
        """The holidays of a year; raises as `holiday_days` does."""
        return holiday_days(self.country, self.subdivision)
