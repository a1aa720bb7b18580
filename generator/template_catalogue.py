"""The templates as people and scripts read about them: what each says, its facts, an example that builds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from textwrap import indent
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from generator.schema import About
from generator.slo.schema import Slo
from generator.template import Template
from generator.templates import TEMPLATES
from tocsin import duration, promql
from tocsin.config import Settings
from tocsin.promql import Expression

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
    bool: "true|false",
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
    """One template, or the item `slo`. `short` is YAML of one line; `example` is a whole pack, which builds."""

    name: str
    summary: str
    doc: str
    short: str
    facts: tuple[Fact, ...]
    example: str


def entries() -> dict[str, Entry]:
    """Every template, and the item `slo`, which stands in the place of an alert."""
    return {name: entry(name, template) for name, template in TEMPLATES.items()} | {"slo": _slo()}


def entry(name: str, template: type[Template]) -> Entry:
    """What there is to say about a template."""
    module = sys.modules[template.__module__].__doc__ or ""
    [item] = yaml.safe_load(template.example)
    return Entry(
        name=name,
        summary=module.partition("\n")[0].partition(": ")[2],
        doc=_doc(template),
        short=f"{name}:" if item[name] is None else f"{name}: {_line(item[name])}",
        facts=tuple(_facts(template, template.model_fields)),
        example=PACK.format(rules=indent(template.example, "      ")),
    )


def _slo() -> Entry:
    summary, *doc = _doc(Slo).split("\n\n")
    return Entry(
        name="slo",
        summary=summary.partition(": ")[2],
        doc="\n\n".join(doc),
        short=f"- {_line(yaml.safe_load(Slo.example)[0])}",
        facts=tuple(_facts(Slo, [name for name in Slo.model_fields if name not in About.model_fields])),
        example=PACK.format(rules=indent(Slo.example, "      ")),
    )


def _doc(model: type[Settings]) -> str:
    return "\n".join(line.strip() for line in (model.__doc__ or "").strip().splitlines())


def _line(tree: Any) -> str:
    written = yaml.safe_dump(tree, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return str(written).strip()


def _facts(model: type[Settings], names: Iterable[str]) -> Iterator[Fact]:
    for name in names:
        field = model.model_fields[name]
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
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "mapping"
    return next((kind for part in get_args(annotation) if (kind := _kind(part))), "")


def _default(field: FieldInfo) -> str | None:
    value = field.default
    if value is PydanticUndefined or value in (None, (), {}):
        return None
    if isinstance(value, timedelta):
        return duration.show(value)
    if isinstance(value, bool):
        return str(value).lower()
    return promql.number(value) if isinstance(value, int | float) else str(value)
