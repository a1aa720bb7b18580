"""Rule files of Prometheus, those in ConfigMaps among them.

Source of the form: prometheus model/rulefmt.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePath
from typing import Any

from generator.foreign import GROUP_KEYS, compile_document
from generator.importing.adopting import adopted, amiss
from generator.importing.imported import Imported
from tocsin.problem import Problem
from tocsin.yamltree import Document


def is_meant(document: Document) -> bool:
    """A mapping with groups of rules that is no object of Kubernetes; other people have groups, too."""
    data = document.data
    if not isinstance(data, dict) or "groups" not in data or data.keys() & {"kind", "apiVersion"}:
        return False
    groups = data["groups"] or []
    return isinstance(groups, list) and all(isinstance(one, dict) and _has_rules(one) for one in groups)


def _has_rules(group: dict[str, Any]) -> bool:
    return "rules" in group or group.keys() <= GROUP_KEYS


def read(document: Document, beside: Sequence[Document] = ()) -> tuple[list[Imported], list[Problem]]:
    """One pack, called like the file."""
    packs, problems = compile_document(document)
    if any(map(is_meant, takewhile(lambda other: other is not document, beside))):
        message = "Prometheus reads the first document of a rule file alone; this one is imported all the same"
        hint = "delete its pack if these rules are not to run"
        problems.append(Problem("import", message, document.at(), hint, severity="warning"))
    file, wrong = PurePath(document.file), amiss(document, problems)
    read = [adopted(pack, wrong, file.stem, file.parent.name) for pack in packs if not pack.origin.path]
    return [imported for imported, _ in read], [*problems, *(problem for _, told in read for problem in told)]
