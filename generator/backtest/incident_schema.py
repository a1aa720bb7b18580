"""An incident as people list it, and as a receiver tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from generator.backtest import moments
from generator.backtest.incident import Incident
from tocsin.config import Settings


def _moment(value: object) -> datetime:
    try:
        return moments.read(value)
    except ValueError as error:
        raise PydanticCustomError("time", "{message}", {"message": str(error), "hint": "RFC 3339 is safest"}) from None


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]


class _Ending(BaseModel):
    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        one: Any = self
        incident: Incident = one.incident()
        if incident.end is not None and incident.end < incident.start:
            message = f"ends at {moments.as_json(incident.end)}, before it starts at {moments.as_json(incident.start)}"
            hint = "correct one of the two; leave the end out while it is open"
            raise PydanticCustomError("time", "{message}", {"message": message, "hint": hint})
        return self


class Listed(_Ending, Settings):
    """What people write: only `start` is needed."""

    start: Moment
    end: Moment | None = None
    title: str = ""
    id: str = ""
    severity: str = ""
    tenant: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    rules: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()

    def incident(self) -> Incident:
        """The same without what only files know."""
        return Incident(
            self.title, self.start, self.end, self.id, self.severity, self.tenant, dict(self.labels), self.rules
        )


class Told(_Ending):
    """What a receiver answers to `GET /api/v1/incidents`; it tells more, which does not matter here."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    opened_at: Moment
    resolved_at: Moment | None = None
    title: str = ""
    id: str = ""
    severity: str = ""
    tenant: str = ""
    merged_into: str | None = None

    def incident(self) -> Incident:
        """The same by our names."""
        return Incident(self.title, self.opened_at, self.resolved_at, self.id, self.severity, self.tenant)
