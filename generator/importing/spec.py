"""Somebody else's specification, read part by part: each part a model, each problem at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tocsin.config import Settings, explain
from tocsin.problem import Level, Problem
from tocsin.yamltree import Document, YamlPath

M = TypeVar("M", bound=BaseModel)

GUIDE = "docs/reference/import-slo.md"
TEXTS = frozenset({"labels", "annotations", "infoLabels", "info_labels"})  # what holds texts alone


class Part(Settings):
    """A part of a specification; an empty one, `labels:` and nothing behind it, is as if it were not there."""

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, value: Any) -> Any:
        return {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value


def refused(message: str, hint: str) -> PydanticCustomError:
    """What a validator of a part raises."""
    # As a value, because pydantic would take braces for placeholders.
    return PydanticCustomError("import", "{message}", {"message": message, "hint": hint})


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one document; `problems` grows."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def below(self, path: YamlPath) -> Any:
        """What stands at a path; None where there is nothing."""
        data = self.document.data
        for step in path:
            has = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
            if not has:
                return None
            data = data[step]
        return data

    def model(self, model: type[M], data: Any, path: YamlPath, name: str = "") -> M | None:
        """The data, which stands at the path, as a model; None where it has problems, which are noted."""
        while path and self.below(path) is None:
            path = path[:-1]
        try:
            return model.model_validate(self._as_written(data, path))
        except ValidationError as error:
            told = explain(error, self.document, model, under=path, guide=GUIDE)
            self.problems.extend(replace(problem, rule=name) for problem in told)
            return None

    def _as_written(self, data: Any, path: YamlPath) -> Any:
        """The data with its labels and annotations as they stand in the file: 1.10 is not 1.1, nor is yes true."""
        if isinstance(data, list):
            return [self._as_written(one, (*path, index)) for index, one in enumerate(data)]
        if not isinstance(data, dict):
            return data
        return {
            key: self._texts(one, (*path, key))
            if key in TEXTS and isinstance(one, dict)
            else self._as_written(one, (*path, key))
            for key, one in data.items()
        }

    def _texts(self, data: Mapping[str, Any], path: YamlPath) -> dict[str, Any]:
        plain = {key for key, one in data.items() if one is not None and not isinstance(one, str | dict | list)}
        written = self.document.written().scalars if plain else {}
        return {key: written.get((*path, key), one) if key in plain else one for key, one in data.items()}

    def note(self, message: str, path: YamlPath, hint: str, level: Level = "error", name: str = "") -> None:
        """Something that cannot be kept, or not as it was."""
        self.problems.append(Problem("import", message, self.document.at(*path), hint, name, level))


def item(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree as an item of a pack, without what is empty."""
    return {key: value for key, value in tree.items() if value not in (None, {}, [], "")}
