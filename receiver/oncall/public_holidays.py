"""Public holidays by country and subdivision, as the package `holidays` knows them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from types import ModuleType

from receiver.oncall.hours import HolidayDays
from tocsin.errors import MissingExtra


def holiday_days(country: str, subdivision: str = "") -> HolidayDays:
    """The holidays of a year.

    Raises:
        ValueError: there is no such country or subdivision; the message names near ones.
        MissingExtra: the package is not installed.
    """
    known = _package().list_supported_countries()
    if country not in known:
        raise ValueError(
            f"no holidays are known of {country!r}; write a country's two letters (ISO 3166): DE, FR, US, …"
        )
    if subdivision and subdivision not in known[country]:
        there = ", ".join(known[country]) or "it has none"
        raise ValueError(f"no subdivision {subdivision!r} of {country} is known; known: {there}")
    return lambda year: _of_year(country, subdivision, year)


@lru_cache(maxsize=4096)
def _of_year(country: str, subdivision: str, year: int) -> frozenset[date]:
    found = _package().country_holidays(country, subdiv=subdivision or None, years=year)
    return frozenset(found)


def _package() -> ModuleType:
    try:
        import holidays
    except ImportError as error:
        raise MissingExtra("holidays", "calendar") from error
    return holidays
