"""A Prometheus, or several with the same series, as configurations name it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tocsin.config import Duration, OneOrMore
from tocsin.http_config import KeptHttpConfig

LEAST = timedelta(seconds=1)


def _url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        hint = "write it as http://127.0.0.1:9090"
        raise PydanticCustomError("url", "{value} is not an http address", {"value": repr(value), "hint": hint})
    if urlsplit(value).username is not None:
        hint = "write basic_auth: {username: …, password_file: …}"
        raise PydanticCustomError("secret", "a name or password stands in the address", {"hint": hint})
    return value.rstrip("/")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def at_least_a_second(value: timedelta) -> timedelta:
    """For times between questions: less would be a flood."""
    if value < LEAST:
        raise PydanticCustomError("duration", "must be 1s or more", {"hint": "write it as 30s, 1m or 5m"})
    return value


Second = Annotated[Duration, AfterValidator(at_least_a_second)]


class ServerSettings(KeptHttpConfig):
    """A server of Prometheus's API; how it is asked, as Prometheus writes it."""

    url: Annotated[OneOrMore[Annotated[str, AfterValidator(_url)]], BeforeValidator(_listed)] = Field(
        description="An address, or a list of servers with the same series: the next is asked when one does not answer."
    )
    timeout: Second = Field(timedelta(seconds=30), description="For one request.")
