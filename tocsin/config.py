"""Configuration: YAML to typed models, every problem at once with file:line:column.

`${NAME}` in a text is the environment variable NAME. A key that ends in `_file` names a file whose content is
the value: a secret stands in no configuration. Relative paths count from the configuration file's own folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from tocsin import duration, yamltree
from tocsin.errors import InputError, TocsinError
from tocsin.problem import Problem, has_errors
from tocsin.yamltree import Document, YamlPath

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong between parts of a configuration, each of which is right in itself; `document` None: this file."""

    path: YamlPath
    message: str
    hint: str
    document: Document | None = None


class Settings(BaseModel):
    """The base of every configured model: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def faults(self) -> Iterable[Fault | Problem]:
        """What does not fit together, in this file or in others that it names; asked of the whole file's model."""
        return ()


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return duration.parse(value)
    raise ValueError(f"{value!r} is not a duration; write it as text with a unit: 30s, 5m, 1h30m")


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(duration.show, return_type=str),
]


def _not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    if not value:
        raise PydanticCustomError("empty", "is empty", {"hint": "name at least one"})
    return value


OneOrMore = Annotated[tuple[T, ...], AfterValidator(_not_empty)]


def load(file: Path, model: type[M], environment: Mapping[str, str] = os.environ) -> M:
    """The configuration in a file.

    Raises:
        InputError: with every problem of the file.
    """
    documents, problems = yamltree.read(file)
    if has_errors(problems):
        raise InputError(problems)
    document = documents[0] if documents else Document(str(file), {}, {}, {})
    if len(documents) > 1:
        second = documents[1].at()
        raise InputError([Problem("yaml", "holds more than one document", second, hint="remove '---'")])
    value, problems = validate(document, model, environment)
    if value is None:
        raise InputError(problems)
    return value


def validate(document: Document, model: type[M], environment: Mapping[str, str]) -> tuple[M | None, list[Problem]]:
    """The document as a model, None if it has errors; and what is wrong with it."""
    problems: list[Problem] = []
    data = _fill(document.data if document.data is not None else {}, (), document, environment, problems)
    if problems:
        return None, problems
    try:
        value = model.model_validate(data, context={"folder": Path(document.file).parent})
    except ValidationError as error:
        return None, list(explain(error, document, model))
    except InputError as error:  # of a file that this one names
        return None, list(error.problems)
    faults = value.faults() if isinstance(value, Settings) else ()
    problems = [one if isinstance(one, Problem) else _told(one, one.document or document) for one in faults]
    return (None if has_errors(problems) else value, problems)


def _told(fault: Fault, document: Document) -> Problem:
    return Problem("reference", fault.message, document.at(*fault.path), hint=fault.hint)


def explain(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    *,
    under: YamlPath = (),
    guide: str = "docs/reference/configuration.md",
) -> Iterable[Problem]:
    """pydantic's errors as problems: where, what, and the way out.

    `under` is where in the document the model stands; `guide` is the page that tells what may stand there. A
    validator that knows the way out itself raises `PydanticCustomError(check, message, {"hint": …})`.
    """
    data = document.data
    for step in under:
        data = data[step]
    for detail in error.errors(include_url=False, include_input=False):
        yield _problem(detail, _in_file(detail["loc"], data), document, model, under=under, guide=guide)


def _problem(
    detail: ErrorDetails,
    inner: YamlPath,
    document: Document,
    model: type[BaseModel],
    *,
    under: YamlPath,
    guide: str,
) -> Problem:
    path = (*under, *inner)
    name = ".".join(str(part) for part in inner or under[-1:]) or "the file"
    match detail["type"]:
        case "extra_forbidden":
            known = _known_keys(model, inner[:-1])
            near = get_close_matches(str(path[-1]), known, n=1)
            listed = f"known here: {', '.join(sorted(known)) or 'nothing'}"
            hint = f"did you mean {near[0]!r}?" if near else listed
            return Problem("unknown-key", f"unknown key {name!r}", document.at_key(*path), hint=hint)
        case "missing":
            key = detail["loc"][-1]
            where = document.at_key(*path[:-1]) if path and path[-1] == key else document.at_key(*path)
            return Problem("missing-key", f"{name}: the key {key!r} is missing", where, hint=f"add {key}: …")
        case "model_type" | "model_attributes_type" | "dict_type":
            return Problem(
                "value", f"{name}: must be a mapping", document.at(*path), f"write keys and values; see {guide}"
            )
        case "list_type" | "tuple_type":
            return Problem(
                "value", f"{name}: must be a list", document.at(*path), f"write [first, second]; see {guide}"
            )
        case _:
            message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            own = detail.get("ctx", {}).get("hint")
            check, hint = (detail["type"], own) if own else ("value", f"see {guide}")
            return Problem(check, f"{name}: {message}", document.at(*path), hint=hint)


def _in_file(loc: tuple[int | str, ...], data: Any) -> YamlPath:
    """The part of pydantic's location that the file has too (a union adds steps of its own)."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        if _leads_on(step, data):
            data = data[step]
        elif index == len(loc) - 1 and isinstance(data, dict):
            path.append(step)  # the key that is missing
            break
        else:
            continue
        path.append(step)
    return tuple(path)


def _leads_on(step: int | str, data: Any) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))


def _known_keys(model: type[BaseModel], path: YamlPath) -> set[str]:
    """The keys that the model knows at a path; models nested in unions and containers are all looked at."""
    models = {model}
    for step in path:
        fields = [m.model_fields[str(step)].annotation for m in models if str(step) in m.model_fields]
        inner = {found for annotation in fields for found in _models_in(annotation)}
        models = inner or models
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


def _fill(
    value: Any, path: YamlPath, document: Document, environment: Mapping[str, str], problems: list[Problem]
) -> Any:
    """The data with environment variables put in and paths made absolute."""
    if isinstance(value, dict):
        return {k: _fill(v, (*path, k), document, environment, problems) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, (*path, i), document, environment, problems) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in VARIABLE.findall(value):
        if name not in environment:
            hint = f"export {name}=…, or write the value itself"
            message = f"the environment variable {name} is not set"
            problems.append(Problem("environment", message, document.at(*path), hint=hint))
    filled = VARIABLE.sub(lambda match: environment.get(match[1], ""), value)
    if path and str(path[-1]).endswith("_file"):
        return str(Path(document.file).parent / filled)
    return filled


def read_secret(file: Path) -> str:
    """The secret in a file, without the line's end; read when it is used, so that it can be rotated.

    Raises:
        TocsinError: it cannot be read, or is empty.
    """
    try:
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TocsinError(f"{file}: the secret cannot be read: {error}") from error
    if not secret:
        raise TocsinError(f"{file}: the secret is empty")
    return secret
