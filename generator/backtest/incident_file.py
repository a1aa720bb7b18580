"""Incidents from a file: a list in YAML, JSON, JSON lines or CSV, or what a receiver answered; mistakes have places."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from generator.backtest.incident import MOST, Incident, Incidents
from generator.backtest.incident_schema import Listed, Told
from tocsin import yamltree
from tocsin.config import explain
from tocsin.problem import Position, Problem, has_errors
from tocsin.yamltree import Document, YamlPath

GUIDE = "docs/guide/backtest.md"
LISTS = ("items", "incidents")  # keys under which a list may stand
HINT = f"write a list of {{start, end, title}}; see {GUIDE}"
MOST_PROBLEMS = 20

Item = tuple[Document, YamlPath]


def read(file: Path) -> Incidents:
    """The incidents in a file, as many as can be read, and what is wrong with the others."""
    items, problems = _items(file)
    if len(items) > MOST:
        hint = "leave out those that lie before the range"
        problems = [*problems, _problem(file, f"holds {len(items):,} incidents; at most {MOST:,} are read", hint)]
    found: list[Incident] = []
    for document, path in items[:MOST]:
        one = _incident(document, path)
        if isinstance(one, Incident):
            found.append(one)
        elif one is not None:
            problems = [*problems, *one]
    more = len(problems) - MOST_PROBLEMS
    if more > 0:
        problems = [*problems[:MOST_PROBLEMS], _problem(file, f"has {more} more problems", "mend these first")]
    return Incidents(tuple(found), str(file), problems=tuple(problems))


def _problem(file: Path, message: str, hint: str, line: int = 0) -> Problem:
    return Problem("incidents", message, Position(str(file), line, 1 if line else 0), hint)


def _items(file: Path) -> tuple[list[Item], list[Problem]]:
    """Where each incident stands."""
    if file.suffix.lower() == ".csv":
        return _of_csv(file)
    documents, problems = yamltree.read(file)
    if has_errors(problems) and (text := _text(file)).lstrip().startswith(("{", "[")):
        return _of_json(file, text)
    if has_errors(problems):
        return [], problems
    if not documents:
        return [], [_problem(file, "holds nothing", HINT)]
    return _listed(documents, file)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= yamltree.MAX_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _listed(documents: Sequence[Document], file: Path) -> tuple[list[Item], list[Problem]]:
    """A list, an object that holds one, or a document for each incident (one JSON object on one line is such)."""
    items: list[Item] = []
    for document in documents:
        path: YamlPath = ()
        data = document.data
        if isinstance(data, dict) and (key := next((name for name in LISTS if name in data), "")):
            path, data = (key,), data[key]
        if isinstance(data, list):
            items += [(document, (*path, index)) for index in range(len(data))]
        elif isinstance(data, dict) and not path:
            items.append((document, ()))
        else:
            what = f"{path[0]} is no list" if path else "is no list of incidents"
            return [], [Problem("incidents", what, document.at(*path), HINT)]
    return items, []


def _of_json(file: Path, text: str) -> tuple[list[Item], list[Problem]]:
    """JSON that YAML cannot read, and JSON lines; of those each mistake has its line."""
    try:
        return _listed([Document(str(file), json.loads(text), {}, {})], file)
    except (ValueError, RecursionError):
        pass
    items: list[Item] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            items.append((_at_line(file, number, json.loads(line)), ()))
        except (ValueError, RecursionError) as error:
            return [], [_problem(file, f"is neither JSON nor, in this line, JSON lines: {error}", HINT, number)]
    return items, []


def _of_csv(file: Path) -> tuple[list[Item], list[Problem]]:
    """A line for each incident, under a line of names; an empty cell is left out."""
    text = _text(file)
    if not text.strip():
        message = f"cannot be read as CSV in UTF-8 of at most {yamltree.MAX_BYTES // 2**20} MiB, or holds nothing"
        return [], [_problem(file, message, HINT)]
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        return [(_at_line(file, rows.line_num, dict(_cells(row))), ()) for row in rows], []
    except csv.Error as error:
        return [], [_problem(file, f"not valid CSV: {error}", "quote cells that hold quotes or lines", rows.line_num)]


def _cells(row: Mapping[str | None, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if name is None:
            yield "a cell without a name", value
        elif value and name.strip() == "rules":
            yield "rules", value.split()
        elif value and value.strip():
            yield name.strip(), value.strip()


def _at_line(file: Path, number: int, data: Any) -> Document:
    return Document(str(file), data, {(): Position(str(file), number, 1)}, {})


def _incident(document: Document, path: YamlPath) -> Incident | list[Problem] | None:
    """The incident that stands there; nothing where it was merged into another; or what is wrong with it."""
    data = document.data
    for step in path:
        data = data[step]
    if not isinstance(data, dict):
        return [Problem("incidents", "an incident is a mapping", document.at(*path), HINT)]
    model: type[Told | Listed] = Told if "opened_at" in data else Listed
    try:
        one = model.model_validate(data)
    except ValidationError as error:
        return list(explain(error, document, model, under=path, guide=GUIDE))
    return None if isinstance(one, Told) and one.merged_into else one.incident()
