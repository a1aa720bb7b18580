"""Schemas of what is taken and answered, made of its types: pydantic's for bodies and answers, msgspec's for events."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import msgspec
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from receiver.engine.events import AnyEvent
from receiver.web.answers import COMPONENT
from receiver.web.declared import Asked, Said

REF = "#/components/schemas/"
NOTHING: tuple[Any, ...] = (None, "", [], {})  # as defaults: what may be left out says so by that alone
Kind = tuple[int, JsonSchemaMode]


class Schemas:
    """The schemas of these types: those that have a name are components."""

    def __init__(self, types: Iterable[Any]) -> None:
        wanted = {id(kind): kind for kind in types}
        adapters = [(key, _mode(kind), _adapter(kind)) for key, kind in wanted.items()]
        found, definitions = TypeAdapter.json_schemas(adapters, ref_template=f"{REF}{{model}}")
        self._found: dict[int, dict[str, Any]] = {key: _mended(schema) for (key, _), schema in found.items()}
        self._wanted = wanted  # keeps them, and so their ids
        self.components: dict[str, Any] = _mended(definitions.get("$defs", {})) | _events()

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of one of them, or the reference to it."""
        return self._found[id(kind)]

    def is_required(self, kind: Any) -> bool:
        """Whether a body must be there: no, where an empty object would do."""
        schema = self.of(kind)
        while "$ref" in schema:
            schema = self.components[schema["$ref"].removeprefix(REF)]
        return bool(schema.get("required") or "oneOf" in schema or "anyOf" in schema)

    @staticmethod
    def inlined(schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its definitions where they are used, for what does not nest."""
        definitions = schema.get("$defs", {})

        def inline(part: Any) -> Any:
            if isinstance(part, dict):
                if "$ref" in part:
                    rest = {key: value for key, value in part.items() if key != "$ref"}
                    return inline(definitions[part["$ref"].rpartition("/")[2]]) | rest
                return {key: inline(value) for key, value in part.items() if key != "$defs"}
            return [inline(one) for one in part] if isinstance(part, list) else deepcopy(part)

        found: dict[str, Any] = _mended(inline(schema))
        return found


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)


def _mode(kind: Any) -> JsonSchemaMode:
    taken = isinstance(kind, TypeAdapter) or (isinstance(kind, type) and issubclass(kind, (Said, Asked)))
    return "validation" if taken else "serialization"


def _mended(schema: Any) -> Any:
    """Puts references in where they were told by a word, and leaves out titles that repeat a name."""
    if isinstance(schema, list):
        return [_mended(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if COMPONENT in schema:
        return {"$ref": REF + schema[COMPONENT]}
    mended = {key: _mended(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if mended.get("default", 0) in NOTHING:
        del mended["default"]
    return mended


def _events() -> dict[str, Any]:
    """Everything that can happen to an incident (engine/events.py), each with the time when it happened."""
    (told,), components = msgspec.json.schema_components([AnyEvent], ref_template=f"{REF}{{name}}")
    at = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]}
    return {**components, "Event": {"allOf": [at, told]}}
