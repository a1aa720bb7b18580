"""`rules_api` in the receiver's configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.config import Duration, OneOrMore
from tocsin.http_config import HttpConfig

LEAST = timedelta(seconds=1)


def _url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        hint = "write it as http://127.0.0.1:9090"
        raise PydanticCustomError("url", "{value} is not an http address", {"value": repr(value), "hint": hint})
    return value.rstrip("/")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class RulesApiSettings(HttpConfig):
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

    @model_validator(mode="after")
    def _secrets_in_files(self) -> Self:
        given = {
            "basic_auth.password": self.basic_auth and self.basic_auth.password,
            "authorization.credentials": self.authorization and self.authorization.credentials,
            "oauth2.client_secret": self.oauth2 and self.oauth2.client_secret,
            "http_headers.….secrets": any(header.secrets for header in self.http_headers.values()),
        }
        for name, value in given.items():
            if value:
                hint = "write files: [<file>]" if name.endswith("secrets") else f"write {name.split('.')[1]}_file"
                raise PydanticCustomError("secret", "{name} stands in the file itself", {"name": name, "hint": hint})
        return self
