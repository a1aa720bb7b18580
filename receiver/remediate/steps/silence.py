"""Steps of kind `silence`: the alert is silenced in Alertmanager for a time, or what this run silenced is no longer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from receiver.people.settings import Name
from receiver.remediate.step import StepSettings
from receiver.remediate.values import Values
from tocsin import duration
from tocsin.config import Duration

LONGEST = timedelta(hours=24)
SHORTEST = timedelta(minutes=1)

LabelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SilenceStep(StepSettings):
    """Silences whatever has the same values in these labels as the alert; with `expire`, ends it."""

    KIND: ClassVar[str] = "silence"

    labels: tuple[LabelName, ...] = Field((), description="The alert's labels that what is silenced has, too.")
    for_: Duration = Field(timedelta(hours=1), alias="for", description="For how long, at most 24h.")
    most: int = Field(
        10, ge=1, description="How many alerts that fire it may silence; were it more, the step does not begin."
    )
    source: Name | None = Field(
        None, description="Whose Alertmanager: a name under `sources`; default: where the incident comes from."
    )
    expire: bool = Field(False, description="Ends the silence that the step wrote; for `rollback`.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.expire and self.model_fields_set & {"labels", "for_", "most"}:
            raise _refused("expire ends what was written; labels, for and most say nothing then", "write expire alone")
        if not self.expire and not self.labels:
            raise _refused("labels is missing: what is silenced?", "write labels: [alertname, instance]")
        if not SHORTEST <= self.for_ <= LONGEST:
            raise _refused("for must be from 1m to 24h", "what lasts longer is a maintenance window")
        return self

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        where = {"source": self.source} if self.source else {}
        if self.expire:
            return "end the silence that this run wrote", {"expire": True} | where
        labels, seconds = list(dict.fromkeys(self.labels)), self.for_.total_seconds()
        does = f"silence alerts with this one's {', '.join(labels)} for {duration.show(self.for_)}"
        return does, {"labels": labels, "seconds": seconds, "most": self.most} | where


def _refused(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("silence", "{message}", {"message": message, "hint": hint})
