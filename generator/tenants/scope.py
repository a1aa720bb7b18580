"""Whose series a pack's rules are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.yamltree import Document


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant, its matchers as it wrote them, and its file, also as generated files name it."""

    tenant: str
    matchers: Mapping[str, str]
    document: Document
    source: str
