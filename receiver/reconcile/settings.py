"""`sources.NAME.reconcile`: where a source's Alertmanagers are, and when their silence about an alert counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import AnyHttpUrl, Field, model_validator

from tocsin.amapi import Access
from tocsin.config import Duration, OneOrMore, Settings


class ReconcileSettings(Settings):
    """Every Alertmanager of a source. One that is not listed is one whose alerts look as if they were gone."""

    alertmanagers: OneOrMore[AnyHttpUrl] = Field(description="The URL of every peer of the cluster.")
    receiver: str = Field("tocsin", description="The receiver in alertmanager.yml that sends here.")
    every: Duration = Field(timedelta(minutes=1), description="How often every peer is asked.")
    missing_for: Duration = Field(
        timedelta(minutes=5), description="For how long every peer must not have known an alert before it expires."
    )
    settled_after: Duration = Field(
        timedelta(minutes=10),
        description="How long a peer must have been up: after a start it knows nothing until Prometheus speaks again.",
    )
    bearer_token_file: Path | None = Field(None, description="Holds a token for the API.")
    username: str | None = Field(None, description="For basic authentication, with password_file.")
    password_file: Path | None = Field(None, description="Holds the password.")
    ca_file: Path | None = Field(None, description="Certificates that vouch for the peers; default: the system's.")
    timeout: Duration = Field(timedelta(seconds=10), description="For one request.")

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        if self.username is not None and self.bearer_token_file is not None:
            raise ValueError("give either bearer_token_file, or username and password_file")
        if not self.every:
            raise ValueError("every must be longer than 0")
        return self

    @property
    def access(self) -> Access:
        """How to get in."""
        seconds = self.timeout.total_seconds()
        return Access(self.bearer_token_file, self.username, self.password_file, self.ca_file, seconds)
