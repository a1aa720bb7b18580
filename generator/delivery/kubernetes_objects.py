"""PrometheusRules as objects in a namespace: which are ours, what is in them, and what they become.

An object is ours as a whole: it is replaced, not merged. `spec.groups` is a list by name, so that a server-side apply
would leave what somebody else put into it for ever, and what was planned would never be there. The labels, annotations
and finalizers of others stay.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from generator.delivery.destination import Piece
from generator.delivery.reading import group_of
from generator.emit import File
from tocsin import yamltree
from tocsin.errors import UsageError
from tocsin.kubernetes.call import Thing, meta
from tocsin.kubernetes.names import SUBDOMAIN

API_VERSION, KIND = "monitoring.coreos.com/v1", "PrometheusRule"
MANAGED_BY = "app.kubernetes.io/managed-by"
SET = "tocsin.io/set"


@dataclass(frozen=True, slots=True)
class Ownership:
    """What makes an object ours: its namespace and two labels. `labels` are put on it besides."""

    namespace: str
    set_name: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> Mapping[str, str]:
        return {MANAGED_BY: "tocsin", SET: self.set_name}

    @property
    def selector(self) -> str:
        """The marks as a label selector."""
        return ",".join(f"{key}={value}" for key, value in self.marks.items())

    def owns(self, thing: Thing) -> bool:
        """Whether the object bears the marks."""
        return self.marks.items() <= labels_of(thing).items()

    def piece(self, name: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> Piece:
        """An object's rules; of its labels those that we put there."""
        ours = {key: labels[key] for key in sorted(self.marks.keys() | self.labels.keys()) if key in labels}
        metadata = {"name": name, "namespace": self.namespace, "labels": ours}
        manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
        text = yaml.dump(manifest, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100_000)
        whole = f"{self.namespace}/{name}"
        groups = spec.get("groups")
        groups = [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
        return Piece(whole, text, tuple(group_of(group, whole) for group in groups), ours)

    def wanted(self, files: Iterable[File]) -> list[Piece]:
        """Files of the target `prometheusrule` as what is to be there.

        Raises:
            UsageError: a pack's name cannot be the name of an object.
        """
        return [self._wanted(file) for file in files]

    def _wanted(self, file: File) -> Piece:
        [document], _ = yamltree.parse(file.text, file.name)
        name = document.data["metadata"]["name"]
        if len(name) > 253 or not SUBDOMAIN.fullmatch(name):
            raise UsageError(
                f"{file.name}: {name!r} cannot be the name of a PrometheusRule: lower-case letters, digits, '-' and "
                "'.' (RFC 1123); rename the pack"
            )
        labels = {**document.data["metadata"]["labels"], **self.labels, **self.marks}
        return self.piece(name, labels, document.data["spec"])

    def held(self, thing: Thing) -> Piece:
        """What an object holds; what the API server and others have added to it does not count."""
        spec = thing.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        return self.piece(meta(thing, "name"), labels_of(thing), spec)


def labels_of(thing: Thing) -> Mapping[str, str]:
    """Its labels; an object may have none."""
    metadata = thing.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def fresh(piece: Piece) -> dict[str, Any]:
    """The object as it is created."""
    manifest: dict[str, Any] = yaml.load(piece.text, Loader=yaml.CSafeLoader)
    return manifest


def replaced(thing: Thing, piece: Piece) -> dict[str, Any]:
    """The object as it was read, with the piece's rules and labels; its resourceVersion makes others' changes show."""
    manifest = fresh(piece)
    after = copy.deepcopy(dict(thing))
    after |= {"apiVersion": API_VERSION, "kind": KIND, "spec": manifest["spec"]}
    after.pop("status", None)
    after["metadata"]["labels"] = {**labels_of(thing), **manifest["metadata"]["labels"]}
    return after


def says(thing: Thing, piece: Piece) -> bool:
    """Whether the object is as the piece wants it."""
    manifest = fresh(piece)
    wanted = manifest["metadata"]["labels"].items()
    return bool(thing.get("spec") == manifest["spec"] and wanted <= labels_of(thing).items())
