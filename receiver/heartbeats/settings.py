"""`heartbeats.NAME` and `ping` in the receiver's configuration."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, StringConstraints, model_validator

from receiver.engine.heartbeat import Heartbeat
from tocsin.config import Duration, Settings

SourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class HeartbeatSettings(Settings):
    """An alert that fires as long as all is well; its silence pages."""

    source: SourceName = Field("alertmanager", description="Whose alert it is.")
    labels: dict[str, str] = Field(
        {"alertname": "Watchdog"}, min_length=1, description="The labels, with their values, by which it is known."
    )
    within: Duration = Field(timedelta(minutes=5), description="How long it may be silent.")

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not self.within:
            raise ValueError(
                "within must be longer than 0, and longer than Alertmanager's repeat_interval for the alert"
            )
        return self

    def named(self, name: str) -> Heartbeat:
        """The heartbeat as the engine wants it."""
        return Heartbeat(name, self.source, self.labels, self.within)


class PingSettings(Settings):
    """Somebody outside who notices when we fall silent. A URL that holds a secret stands in a file of its own."""

    url: AnyHttpUrl | None = None
    url_file: Path | None = None
    method: Literal["GET", "POST"] = "GET"
    every: Duration = Field(timedelta(minutes=1))
    timeout: Duration = Field(timedelta(seconds=10))

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        if not self.every:
            raise ValueError("every must be longer than 0")
        return self
