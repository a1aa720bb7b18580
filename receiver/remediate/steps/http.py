"""Steps of kind `http`: one request to an address of the configuration; what an alert says is only ever a value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from receiver.people.settings import Name
from receiver.remediate.step import StepSettings
from receiver.remediate.steps.http_addresses import host_of
from receiver.remediate.steps.http_edge import Method
from receiver.remediate.values import Unfit, Values
from tocsin.config import OneOrMore
from tocsin.http_config import HeaderName

LITERAL = "/%:@!$&'()*+,;=~"  # what a path may hold as it is
MOST = 64 * 1024  # characters of a whole request
RESERVED = frozenset(
    ("authorization", "connection", "content-length", "content-type", "expect", "host", "te", "trailer")
) | frozenset(("transfer-encoding", "upgrade", "keep-alive", "accept-encoding"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPAN = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def _spans(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        match = _SPAN.fullmatch(text)
        if match is None or match[1] > (match[2] or match[1]):
            raise PydanticCustomError(
                "status", "{text} is no status", {"text": repr(text), "hint": "write 200, or 200-299"}
            )
    return texts


def _texts(value: object) -> object:
    many = value if isinstance(value, list | tuple) else [value]
    return [str(one) if isinstance(one, int) else one for one in many]


Statuses = Annotated[OneOrMore[str], BeforeValidator(_texts), AfterValidator(_spans)]


class HttpStep(StepSettings):
    """One request. It is made once: whether it may be made again, nobody but the far side can know."""

    KIND: ClassVar[str] = "http"

    endpoint: Name = Field(description="Where: a name under `remediation.http`.")
    host: str = Field("", description="What `$(host)` of the endpoint is, where it has that: `$(instance)`.")
    method: Method = Field("POST", description="What is asked for.")
    path: str = Field("/", description="After the endpoint's; each value becomes one segment, or a part of one.")
    query: dict[str, str] = Field({}, description="What stands after the `?`.")
    json_: JsonValue = Field(None, alias="json", description="The body; values stand within its texts only.")
    headers: dict[HeaderName, str] = Field({}, description="Headers beside those of the endpoint.")
    expect: Statuses = Field(("200-299",), description="The statuses that mean that it went well.")
    expect_json: dict[str, str | int | float | bool | None] = Field(
        {}, description="And what must stand in the answer, by its path: `{job.state: done}`."
    )
    idempotency_key: HeaderName | None = Field(
        "Idempotency-Key", description="The header that names this step of this run; null: none."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.path.startswith("/") or re.search(r"[?#\\\s\x00-\x1f\x7f]", self.path):
            raise PydanticCustomError(
                "path",
                "path {path} is none",
                {"path": repr(self.path), "hint": "begin with /; what follows a ? stands under query"},
            )
        if any("$(" in key for key in (*self.query, *_keys(self.json_))):
            raise PydanticCustomError("key", "a key holds a value", {"hint": "values stand right of the colon only"})
        bad = sorted(name for name in self.headers if name.lower() in RESERVED)
        if bad:
            hint = "credentials stand at the endpoint; the others follow from the request"
            raise PydanticCustomError("header", "headers: {name} is not a step's", {"name": bad[0], "hint": hint})
        if self.method == "GET" and self.json_ is not None:
            raise PydanticCustomError("body", "GET has no body", {"hint": "write query, or another method"})
        _as_json(self.json_)
        return self

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        host = _host(values.fill(self.host))
        path = _path(self.path, values)
        arguments: dict[str, object] = {"endpoint": self.endpoint, "method": self.method, "path": path}
        optional = {
            "host": host,
            "query": {key: values.fill(text) for key, text in self.query.items()},
            "headers": {name: _header(name, values.fill(text)) for name, text in self.headers.items()},
            "expect_json": self.expect_json,
            "idempotency_key": self.idempotency_key,
        }
        arguments |= {name: value for name, value in optional.items() if value}
        arguments |= {"expect": list(self.expect)} | (
            {} if self.json_ is None else {"json": _filled(self.json_, values)}
        )
        size = len(_as_json(arguments))
        if size > MOST:
            raise Unfit(f"the request would be {size:,} characters long; the most is {MOST:,}")
        query = asked(arguments)
        where = f"{self.endpoint}{f' ({host})' if host else ''}"
        return f"{self.method} {path}{query} at {where}", arguments


def asked(arguments: Mapping[str, Any]) -> str:
    """The query of a request with its question mark, or nothing."""
    query = urlencode(arguments.get("query", {}), quote_via=quote, safe="")
    return f"?{query}" if query else ""


def _host(text: str) -> str:
    try:
        return host_of(text) if text else ""
    except ValueError as error:
        raise Unfit(f"host: {error}") from error


def _path(template: str, values: Values) -> str:
    """The path with each value percent-encoded, and no segment that leads elsewhere."""
    for name, value in values.values.items():
        if f"$({name})" not in template:
            continue
        if not value or _CONTROL.search(value):
            raise Unfit(f"path: $({name}) is {value!r}, which is empty or holds control characters")
        if ".." in re.split(r"[/\\]", value):  # some servers decode before they split
            raise Unfit(f"path: $({name}) is {value!r}, which leads upwards")
    encoded = Values({name: quote(value, safe="") for name, value in values.values.items()})
    path = quote(encoded.fill(template), safe=LITERAL)
    if any(segment in (".", "..") for segment in path.split("/")):
        raise Unfit(f"path: {path} leads elsewhere")
    return path


def _header(name: str, text: str) -> str:
    if _CONTROL.search(text) or not text.isascii():
        raise Unfit(f"headers: {name} would be {text!r}; it can hold neither line ends nor other than ASCII")
    return text


def _filled(value: JsonValue, values: Values) -> JsonValue:
    """The same with its texts filled in: a value stays within its text, whatever it holds."""
    match value:
        case str():
            return values.fill(value)
        case list():
            return [_filled(one, values) for one in value]
        case dict():
            return {key: _filled(one, values) for key, one in value.items()}
        case _:
            return value


def _keys(value: JsonValue) -> list[str]:
    match value:
        case list():
            return [key for one in value for key in _keys(one)]
        case dict():
            return [*value, *(key for one in value.values() for key in _keys(one))]
        case _:
            return []


def _as_json(value: object) -> str:
    """Raises:
    ValueError: it holds what JSON does not know, such as NaN.
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
