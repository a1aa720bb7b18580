"""PrometheusRules of the Prometheus operator, and the objects of its kin; single ones and Lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from generator.foreign import KINDS, compile_document
from generator.importing.adopting import adopted, amiss
from generator.importing.imported import Imported
from generator.rule import Pack
from tocsin.problem import Problem
from tocsin.yamltree import Document, YamlPath


def is_meant(document: Document) -> bool:
    """An object of such a kind, or a List that holds one."""
    data = document.data
    if not isinstance(data, dict):
        return False
    items = data.get("items") if data.get("kind") == "List" else None
    objects = items if isinstance(items, list) else [data]
    return any(isinstance(one, dict) and str(one.get("kind")) in KINDS for one in objects)


def read(document: Document, _beside: Sequence[Document] = ()) -> tuple[list[Imported], list[Problem]]:
    """One pack an object, called like the object."""
    packs, problems = compile_document(document)
    wrong = amiss(document, problems)
    read = [_object(pack, wrong) for pack in packs if pack.origin.path]
    return [imported for imported, _ in read], [*problems, *(problem for _, told in read for problem in told)]


def _object(pack: Pack, wrong: Iterable[YamlPath]) -> tuple[Imported, list[Problem]]:
    document, path = pack.origin.document, pack.origin.path[:-1]  # the object around its spec
    data: Any = document.data
    for step in path:
        data = data[step]
    metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
    name, namespace = (str(metadata.get(key) or "") for key in ("name", "namespace"))
    return adopted(pack, wrong, name or PurePath(document.file).stem, namespace, list(_remarks(data, metadata)))


def _remarks(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[str]:
    """What a pack has no key for, and the operator may choose objects by."""
    names = [str(metadata[key]) for key in ("namespace", "name") if metadata.get(key)]
    yield f" {data['kind']} {'/'.join(names)}".rstrip()
    labels = metadata.get("labels")
    for label, value in labels.items() if isinstance(labels, dict) else ():
        yield f" with the label {label}: {value}"
