"""`rules_api` in the receiver's configuration."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from tocsin.promconfig import Second, ServerSettings


class RulesApiSettings(ServerSettings):
    """A server that evaluates the rules; how it is asked, as Prometheus writes it."""

    every: Second = Field(timedelta(minutes=5), description="How often it is asked.")
