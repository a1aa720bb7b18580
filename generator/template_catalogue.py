"""The templates as people and scripts read about them: what each says, its facts, an example that builds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from textwrap import indent
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from generator import promql
from generator.promql import Expression
from generator.template import Template
from tocsin import duration

PACK = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {{name: example}}
groups:
  - name: example
    rules:
{rules}"""

KINDS: Mapping[Any, str] = {
    Expression: "PromQL",
    float: "number",
    timedelta: "duration",
    str: "text",
    dict: "mapping",
    tuple: "list",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One field under a template's key; `default` is None where there is none."""

    name: str
    kind: str
    unit: str
    required: bool
    default: str | None
    doc: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One template. `short` is its key and facts on one line; `example` is a whole pack, which builds."""

    name: str
    summary: str
    doc: str
    short: str
    facts: tuple[Fact, ...]
    example: str


def entry(name: str, template: type[Template]) -> Entry:
    """What there is to say about a template."""
    module = sys.modules[template.__module__].__doc__ or ""
    [item] = yaml.safe_load(template.example)
    facts = yaml.safe_dump(item[name], default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return Entry(
        name=name,
        summary=module.partition("\n")[0].partition(": ")[2],
        doc="\n".join(line.strip() for line in (template.__doc__ or "").strip().splitlines()),
        short=f"{name}:" if item[name] is None else f"{name}: {facts.strip()}",
        facts=tuple(_facts(template)),
        example=PACK.format(rules=indent(template.example, "      ")),
    )


def _facts(template: type[Template]) -> Iterator[Fact]:
    for name, field in template.model_fields.items():
        extra = field.json_schema_extra
        unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
        kind, default = _kind(field.annotation), _default(field)
        yield Fact(name, kind, unit, field.is_required(), default, field.description or "")


def _kind(annotation: Any) -> str:
    """The first thing that the annotation names, in words."""
    origin = get_origin(annotation)
    if origin is Literal:
        return "|".join(get_args(annotation))
    for named in (annotation, origin):
        if named in KINDS:
            return KINDS[named]
    return next((kind for part in get_args(annotation) if (kind := _kind(part))), "")


def _default(field: FieldInfo) -> str | None:
    value = field.default
    if value is PydanticUndefined or value in (None, (), {}):
        return None
    if isinstance(value, timedelta):
        return duration.show(value)
    return promql.number(value) if isinstance(value, int | float) else str(value)
