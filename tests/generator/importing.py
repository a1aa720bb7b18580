"""Specifications of others read, and the packs that come of them built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from generator.importing import openslo, sloth
from generator.importing.imported import Imported
from generator.pipeline import Compiled, compile_packs
from generator.slo import Naming
from generator.targets import rulefile
from tocsin import yamltree
from tocsin.problem import Problem

READERS = {"sloth": sloth, "openslo": openslo}


def read(text: str, reader: str = "sloth") -> tuple[list[Imported], list[Problem]]:
    """What a reader makes of all documents of a text."""
    documents, amiss = yamltree.parse(text, "spec.yml")
    assert amiss == []
    packs: list[Imported] = []
    problems: list[Problem] = []
    for document in documents:
        if READERS[reader].is_meant(document):
            found, told = READERS[reader].read(document, documents)
            packs += found
            problems += told
    return packs, problems


def pack_of(imported: Imported) -> dict[str, Any]:
    """The pack as YAML has it."""
    metadata = {"name": imported.name, **imported.metadata}
    head = {"apiVersion": "tocsin/v1alpha1", "kind": "RulePack", "metadata": metadata}
    return {**head, "params": dict(imported.params), "groups": [dict(group) for group in imported.groups]}


def built(packs: list[Imported], folder: Path, naming: Naming) -> Compiled:
    """The packs, written and compiled."""
    file = folder / "packs.yml"
    file.write_text(yaml.safe_dump_all(map(pack_of, packs), sort_keys=False, allow_unicode=True, width=1_000))
    return compile_packs([file], rulefile.render, naming)


def places(problems: list[Problem]) -> list[tuple[str, str]]:
    """Each problem as (line:column, message), in order."""
    return [(f"{problem.at.line}:{problem.at.column}", problem.message) for problem in problems]


def slos(packs: list[Imported]) -> list[Mapping[str, Any]]:
    """The SLOs of packs."""
    return [item for pack in packs for group in pack.groups for item in group["rules"]]
