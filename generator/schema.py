"""What may stand in a rulepack, without the templates: the format `tocsin/v1alpha1`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from generator.fields import PromQL, as_number
from generator.lifecycle import State
from generator.params import SIZED, Misfit, Type, misfit, type_of
from generator.resolve import ParamValue, as_text
from tocsin import duration
from tocsin.config import Duration, Settings
from tocsin.model import Category, Severity

GUIDE = "docs/reference/rulepacks.md"
PACK_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

# Labels and annotations that Tocsin writes, and the key of the pack that says what they hold.
WRITTEN_LABELS = {"alertname": "alert", "severity": "severity", "category": "category", "tocsin_state": "state"}
WRITTEN_ANNOTATIONS = {
    "summary": "summary",
    "description": "description",
    "runbook_url": "runbook",
    "dashboard_url": "dashboard",
    "tocsin_for": "for",
    "tocsin_pack": "metadata.name",
    "tocsin_severity": "severity",
    "tocsin_state": "state",
}


def _text(value: Any) -> Any:
    """Numbers and booleans are taken as text: a label's value may be `5` or one numeric parameter."""
    return as_text(value) if isinstance(value, int | float) else value


def _not_empty(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("value", "is empty", {"hint": "write a text, or remove the key"})
    return text.strip()


def _scalar(value: Any) -> ParamValue:
    if not isinstance(value, ParamValue):
        raise PydanticCustomError(
            "value", "is neither a number nor a text", {"hint": "write one value, quoted if need be"}
        )
    return value


def _pack_name(name: str) -> str:
    if not PACK_NAME.fullmatch(name):
        hint = "use lower-case letters, digits and '-', at most 63: it names the file and the Kubernetes object"
        raise PydanticCustomError("value", "{name} cannot name a pack", {"name": repr(name), "hint": hint})
    return name


def _not_nothing(name: str) -> str:
    if not name:
        raise PydanticCustomError("value", "is empty", {"hint": "write a name"})
    return name


Text = Annotated[str, BeforeValidator(_text), AfterValidator(_not_empty)]
Name = Annotated[str, BeforeValidator(_text), AfterValidator(_not_nothing)]  # as it stands, blanks included
Value = Annotated[str, BeforeValidator(_text)]  # of a label or annotation: may be empty


class Metadata(Settings):
    """Whose pack it is. The name names the file that is built."""

    name: Annotated[str, AfterValidator(_pack_name)]
    owner: Text | None = None
    abstract: bool = False  # only there to be extended: not built itself
    verbatim: bool = False  # its rules say everything themselves: nothing is added to them
    slo_naming: Literal["tocsin", "sloth"] | None = None  # how what its SLOs become is called, whoever builds it


def _bound(value: Any) -> Any:
    if isinstance(value, str) and value[-1:].isalpha():
        duration.parse(value)
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) else as_number(value)


Scalar = Annotated[ParamValue, BeforeValidator(_scalar)]
Bound = Annotated[ParamValue, BeforeValidator(_bound)]


class Param(Settings):
    """A value that people set; the default must be of the type and lie within the bounds."""

    doc: Text | None = None
    unit: Text | None = None
    type: Type | None = None  # the default's, unless it is named
    min: Bound | None = None
    max: Bound | None = None
    choices: tuple[Scalar, ...] = ()
    default: Scalar

    @model_validator(mode="before")
    @classmethod
    def _says_default(cls, value: Any) -> Any:
        if isinstance(value, str | int | float):
            hint = f"write {{default: {value}}}, and beside it unit, min, max and doc"
            raise PydanticCustomError("value", "a parameter is a mapping", {"hint": hint})
        return value

    @field_validator("min", "max")
    @classmethod
    def _of_the_type(cls, bound: ParamValue | None, info: ValidationInfo) -> ParamValue | None:
        type_ = info.data.get("type")
        if type_ is None or bound is None:
            return bound
        found = misfit(bound, type_)
        if type_ not in SIZED:
            found = Misfit(f"a {type_} has no bounds", "remove min and max; choices may list what is allowed")
        return _fit(bound, found)

    @field_validator("default")
    @classmethod
    def _fits(cls, default: ParamValue, info: ValidationInfo) -> ParamValue:
        if not {"type", "min", "max", "choices"} <= info.data.keys():
            return default  # one of them is amiss itself
        type_, low, high = info.data["type"], info.data["min"], info.data["max"]
        if type_ is None and (low, high) != (None, None):
            type_ = "duration" if isinstance(low, str) or isinstance(high, str) else "number"
            if isinstance(default, bool | str) and type_ == "number":
                return _fit(default, Misfit("bounds need a number", "remove min and max, or write a number: 90, 0.05"))
        type_ = type_ or type_of(default)
        for bound in (low, high):
            _fit(default, None if bound is None else misfit(bound, type_))
        return _fit(default, misfit(default, type_, low=low, high=high, choices=info.data["choices"]))


def _fit(value: ParamValue, found: Misfit | None) -> ParamValue:
    if found:
        raise PydanticCustomError("param", "{message}", {"message": found.message, "hint": found.hint})
    return value


class Changes(Settings):
    """What differs from a pack: values of parameters, and rules by name; looked at where they apply."""

    params: dict[str, Any] = Field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Head(Settings):
    """A pack; its groups are looked at one by one, so that one bad rule hides no other."""

    api_version: Literal["tocsin/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["RulePack"]
    metadata: Metadata
    params: dict[str, Param] = Field(default_factory=dict)
    extends: list[Text] = Field(default_factory=list)
    tiers: dict[str, Changes] = Field(default_factory=dict)
    groups: list[Any]


class GroupHead(Settings):
    """A group; its rules are looked at one by one."""

    name: Name
    interval: Duration | None = None
    query_offset: Duration | None = None
    limit: Annotated[int, Field(ge=0)] = 0
    labels: dict[str, Value] = Field(default_factory=dict)
    rules: list[Any]


class About(Settings):
    """What may be said of everything that alerts."""

    state: State = State.ACTIVE
    category: Category | None = None
    owner: Text | None = None
    description: Text | None = None
    runbook: Text | None = None
    dashboard: Text | None = None
    labels: dict[str, Value] = Field(default_factory=dict)
    annotations: dict[str, Value] = Field(default_factory=dict)


class VerbatimAlert(About):
    """An alert of a verbatim pack, beside the one key that names its template."""

    alert: Name
    severity: Severity | None = None
    summary: Text | None = None
    hold: Duration | None = Field(None, alias="for")
    keep_firing_for: Duration | None = None
    tests: list[Any] = Field(default_factory=list)  # looked at one by one; nothing of them is built


class Alert(VerbatimAlert):
    """An alert, which says how bad it is and what happens."""

    severity: Severity
    summary: Text


class Record(Settings):
    """A recording rule."""

    record: Name
    expr: PromQL
    state: State = State.ACTIVE
    labels: dict[str, Value] = Field(default_factory=dict)
    tests: list[Any] = Field(default_factory=list)
