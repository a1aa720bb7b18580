"""Steps of kind `wait`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from receiver.remediate.step import StepSettings
from receiver.remediate.values import Values
from tocsin import duration
from tocsin.config import Duration

LONGEST = timedelta(hours=1)


def _not_long(value: timedelta) -> timedelta:
    if not timedelta() < value <= LONGEST:
        hint = "write 30s or 5m; what takes longer is another runbook's, or a person's"
        raise PydanticCustomError("duration", "must be more than 0s and at most 1h", {"hint": hint})
    return value


class WaitStep(StepSettings):
    """Nothing is done for a while; the worker does other things meanwhile, and may die: the time goes on."""

    KIND: ClassVar[str] = "wait"
    TIMEOUT: ClassVar[timedelta] = LONGEST + timedelta(minutes=1)

    for_: Annotated[Duration, AfterValidator(_not_long)] = Field(alias="for", description="How long.")

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        """How long it waits."""
        return f"wait {duration.show(self.for_)}", {"seconds": self.for_.total_seconds()}
