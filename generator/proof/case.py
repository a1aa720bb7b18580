"""What is proposed as a proof of an alert, before promtool has judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from generator.rule import Rule

# Who says that this is right: found from the expression, or written in the pack.
Author = Literal["generated", "pack"]


@dataclass(frozen=True, slots=True)
class Case:
    """Series played to an alert's rules, and when it fires.

    `series` are promtool's input series by name (`up{job="a"}`) in its notation (`1x9`), one value each `step`.
    `fires` are times after the beginning at which the alert fires, for at least one set of labels; `silent` are those
    at which it does not. A case that fires names the evaluation at which it begins to, and in `silent` the one before.
    """

    name: str
    series: Mapping[str, str]
    step: timedelta
    fires: tuple[timedelta, ...]
    silent: tuple[timedelta, ...]
    author: Author = "generated"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The cases of one alert; without any, `why` says what stood in the way."""

    alert: Rule
    cases: tuple[Case, ...]
    why: str = ""
