"""Typed parts of a YAML document, with every problem noted and placed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from generator.schema import GUIDE
from tocsin.config import explain
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document, YamlPath

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Reading:
    """Reads one document; `problems` grows. What is wrong at an `unresolved` value was already told."""

    document: Document
    unresolved: frozenset[Position]
    problems: list[Problem] = field(default_factory=list)

    def model(self, model: type[M], data: Any, path: YamlPath, rule: str = "") -> M | None:
        """The data, which stands at the path, as a model; None where it has problems."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for problem in explain(error, self.document, model, under=path, guide=GUIDE):
                self.note(replace(problem, rule=rule))
            return None

    def mapping(self, data: Any, path: YamlPath, what: str) -> dict[str, Any] | None:
        """The data if it is a mapping; else a problem says that `what` must be one."""
        if isinstance(data, dict):
            return data
        hint = f"write keys and values; see {GUIDE}"
        self.note(Problem("value", f"{what} must be a mapping", self.document.at(*path), hint=hint))
        return None

    def note(self, problem: Problem) -> None:
        if problem.at not in self.unresolved:
            self.problems.append(problem)
