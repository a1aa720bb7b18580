"""Steps of kind `notify`: people are told by the outbox, as they are of everything else; so there is no doer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from receiver.engine.occurrence import one_line
from receiver.escalation.settings import TargetText
from receiver.remediate.step import StepSettings
from receiver.remediate.values import Unfit, Values
from tocsin.config import OneOrMore

MOST = 2_000  # characters of a text


class NotifyStep(StepSettings):
    """A text for people."""

    KIND: ClassVar[str] = "notify"

    to: OneOrMore[TargetText] = Field(description="Channels and people: `slack-ops`, `schedule:payments`, `team:ops`.")
    text: str = Field(min_length=1, description="What they are told; may name values: `$(host) is drained`.")

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        text = values.fill(self.text)
        if len(text) > MOST:
            raise Unfit(f"text: it would be {len(text):,} characters long; the most is {MOST:,}")
        return f"tell {', '.join(self.to)}: {one_line(text)}", {"to": list(self.to), "text": text}
