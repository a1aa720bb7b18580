"""Runbooks read from files: several YAML documents each, with the configuration's overrides."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import OverrideSettings, RunbookSettings
from tocsin import data, named_files, yamltree
from tocsin.config import Settings, validate
from tocsin.problem import Problem
from tocsin.yamltree import Document

OWN_KEYS = frozenset({"steps", "match", "target"})  # a document with one of these was meant to be a runbook
REPLACED = ("mode", "automatic", "tenants", "hold_page")

S = TypeVar("S", bound=Settings)


def read(
    patterns: Sequence[str], folder: Path, overrides: Mapping[str, OverrideSettings]
) -> tuple[dict[str, Runbook], list[Problem]]:
    """The runbooks of every file that the patterns mean, by name, and what is wrong with the files.

    What is wrong with the overrides themselves, `checks.override_faults` tells: they stand in another file.
    """
    runbooks: dict[str, Runbook] = {}
    problems: list[Problem] = []
    for document in _documents(patterns, folder, problems):
        if not _is_runbook(document.data):
            problems += _skipped(document)
            continue
        settings, found = validate(document, RunbookSettings, os.environ)
        problems += found
        if settings is None:
            continue
        name = settings.metadata.name
        if name in runbooks:
            problems.append(_twice(name, document, runbooks[name]))
            continue
        runbooks[name] = Runbook.of(effective(settings, overrides.get(name)), document)
    return runbooks, problems


def effective(settings: RunbookSettings, override: OverrideSettings | None) -> RunbookSettings:
    """The runbook's settings, those of the configuration in their place."""
    if override is None:
        return settings
    changes: dict[str, Any] = {name: value for name in REPLACED if (value := getattr(override, name)) is not None}
    if override.limits is not None:
        changes["limits"] = _beside(settings.limits, override.limits)
    if override.approval is not None:
        changes["approval"] = _beside(settings.approval, override.approval)
    elif override.no_approval:
        changes["approval"] = None
    lists = {"allow": override.allow, "allow_matching": override.allow_matching}
    changes["target"] = settings.target.model_copy(
        update={name: value for name, value in lists.items() if value is not None}
    )
    known = {name: value for name, value in override.params.items() if name in settings.params}
    changes["params"] = {**settings.params, **known}
    return settings.model_copy(update=changes)


def _beside(own: S | None, other: S) -> S:
    """What `other` says takes its place; of what it does not say, the runbook's stays: nothing is loosened unsaid."""
    return (
        other if own is None else own.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})
    )


def _documents(patterns: Sequence[str], folder: Path, problems: list[Problem]) -> Iterator[Document]:
    """The documents of every file that the patterns mean, in order, each file once."""
    ready = {file.stem: file for file in sorted((data.folder("rulepacks") / "runbooks").glob("*.yml"))}
    for file in named_files.named(patterns, folder, ready, "runbook", problems):
        documents, found = yamltree.read(file)
        problems += found
        yield from documents


def _is_runbook(found: Any) -> bool:
    """Whether a document is, or was meant to be, a runbook."""
    if not isinstance(found, dict):
        return False
    kind = found.get("kind")
    return bool(OWN_KEYS & found.keys()) if kind is None else str(kind).lower() == "runbook"


def _skipped(document: Document) -> Iterator[Problem]:
    if document.data is None:
        return
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    what = f"kind {kind!r}" if kind is not None else "no kind"
    hint = "a runbook begins with apiVersion: tocsin/v1alpha1 and kind: Runbook"
    yield Problem("kind", f"left out: {what}", document.at_key("kind"), hint=hint, severity="info")


def _twice(name: str, document: Document, first: Runbook) -> Problem:
    at = document.at("metadata", "name")
    return Problem(
        "twice", f"there are two runbooks named {name!r}", at, hint=f"the other one: {first.where}; keep one"
    )
