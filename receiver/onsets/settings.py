"""`rules_api` in the receiver's configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.config import Duration, OneOrMore
from tocsin.http_config import KeptHttpConfig

LEAST = timedelta(seconds=1)


def _url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        hint = "write it as http://127.0.0.1:9090"
        raise PydanticCustomError("url", "{value} is not an http address", {"value": repr(value), "hint": hint})
    return value.rstrip("/")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class RulesApiSettings(KeptHttpConfig):
    """A server that evaluates the rules; how it is asked, as Prometheus writes it."""

    url: Annotated[OneOrMore[Annotated[str, AfterValidator(_url)]], BeforeValidator(_listed)] = Field(
        description="An address, or a list of servers with the same rules: the next is asked when one does not answer."
    )
    every: Duration = Field(timedelta(minutes=5), description="How often it is asked.")
    timeout: Duration = Field(timedelta(seconds=30), description="For one request.")

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if min(self.every, self.timeout) < LEAST:
            raise PydanticCustomError("duration", "every and timeout must be 1s or more", {"hint": "write 30s or 5m"})
        return self
