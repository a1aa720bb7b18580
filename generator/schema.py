"""What may stand in a rulepack, without the templates: the format `tocsin/v1alpha1`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from generator.promql import Number, PromQL, number
from generator.resolve import ParamValue, as_text
from tocsin.config import Duration, Settings
from tocsin.model import Category, Severity

GUIDE = "docs/reference/rulepacks.md"
PACK_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

# Labels and annotations that Tocsin writes, and the key of the pack that says what they hold.
WRITTEN_LABELS = {"alertname": "alert", "severity": "severity", "category": "category"}
WRITTEN_ANNOTATIONS = {
    "summary": "summary",
    "description": "description",
    "runbook_url": "runbook",
    "dashboard_url": "dashboard",
    "tocsin_for": "for",
    "tocsin_pack": "metadata.name",
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


Text = Annotated[str, BeforeValidator(_text), AfterValidator(_not_empty)]
Value = Annotated[str, BeforeValidator(_text)]  # of a label or annotation: may be empty


class Metadata(Settings):
    """Whose pack it is. The name names the file that is built."""

    name: Annotated[str, AfterValidator(_pack_name)]
    owner: Text | None = None


class Param(Settings):
    """A value that people set; the default must lie within the bounds."""

    doc: Text | None = None
    unit: Text | None = None
    min: Number | None = None
    max: Number | None = None
    default: Annotated[ParamValue, BeforeValidator(_scalar)]

    @field_validator("default")
    @classmethod
    def _within_bounds(cls, default: ParamValue, info: ValidationInfo) -> ParamValue:
        low, high = info.data.get("min"), info.data.get("max")
        if low is None and high is None:
            return default
        if isinstance(default, bool | str):
            raise PydanticCustomError(
                "param",
                "bounds need a number",
                {"hint": "remove min and max, or write a number: 90, 0.05, 1.0e+9"},
            )
        if (low is not None and not default >= low) or (high is not None and not default <= high):
            bounds = " to ".join("…" if bound is None else number(bound) for bound in (low, high))
            what = {"default": number(default), "bounds": bounds, "hint": "change the default or the bounds"}
            raise PydanticCustomError("param", "{default} is out of its bounds, {bounds}", what)
        return default


class Head(Settings):
    """A pack; its groups are looked at one by one, so that one bad rule hides no other."""

    api_version: Literal["tocsin/v1alpha1"] = Field(alias="apiVersion")
    kind: Literal["RulePack"]
    metadata: Metadata
    params: dict[str, Param] = Field(default_factory=dict)
    groups: list[Any]


class GroupHead(Settings):
    """A group; its rules are looked at one by one."""

    name: Text
    interval: Duration | None = None
    rules: list[Any]


class Alert(Settings):
    """An alert, beside the one key that names its template."""

    alert: Text
    severity: Severity
    summary: Text
    hold: Duration | None = Field(None, alias="for")
    keep_firing_for: Duration | None = None
    category: Category | None = None
    description: Text | None = None
    runbook: Text | None = None
    dashboard: Text | None = None
    labels: dict[str, Value] = Field(default_factory=dict)
    annotations: dict[str, Value] = Field(default_factory=dict)


class Record(Settings):
    """A recording rule."""

    record: Text
    expr: PromQL
    labels: dict[str, Value] = Field(default_factory=dict)
