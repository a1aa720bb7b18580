"""A runbook as it is in force: its file's settings with the configuration's overrides, checked and named by a hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Self

from receiver.engine.remedies import Remedy
from receiver.remediate.settings import RunbookSettings
from tocsin.labels import Matcher, Matchers, matches, parse_all
from tocsin.model import Labels
from tocsin.problem import Position
from tocsin.yamltree import Document


@dataclass(frozen=True)
class Runbook:
    """`hash` tells one text of it from another; `document` knows where in its file everything stands."""

    settings: RunbookSettings
    hash: str
    where: Position
    document: Document = field(compare=False, repr=False)

    @classmethod
    def of(cls, settings: RunbookSettings, document: Document) -> Self:
        """The runbook of a document; `settings` may differ from it by overrides."""
        return cls(settings, hash_of(settings), document.at("metadata", "name"), document)

    @property
    def name(self) -> str:
        return self.settings.metadata.name

    @cached_property
    def matchers(self) -> Matchers:
        return parse_all(self.settings.match)

    @cached_property
    def patterns(self) -> Mapping[str, Matcher]:
        """What each value must be, by its name, as a matcher of that name."""
        return {name: Matcher(name, "=~", value.pattern) for name, value in self.settings.values.items()}

    @cached_property
    def allow_matching(self) -> Matchers:
        """The patterns of targets, as matchers of the label `target`."""
        return tuple(Matcher("target", "=~", pattern) for pattern in self.settings.target.allow_matching)

    def fits(self, labels: Labels, tenant: str) -> bool:
        """Whether it is for an alert of a tenant."""
        return self.serves(tenant) and matches(self.matchers, labels)

    def serves(self, tenant: str) -> bool:
        return not self.settings.tenants or tenant in self.settings.tenants

    def allows(self, target: str) -> bool:
        """Whether a target stands in the allow-list, or fits one of its patterns as a whole."""
        known = {"target": target}
        return target in self.settings.target.allow or any(one.matches(known) for one in self.allow_matching)

    @property
    def hold(self) -> timedelta:
        """How long the first page waits for it: only where it begins by itself, for good, and asks nobody."""
        settings = self.settings
        at_once = settings.mode == "apply" and settings.automatic and settings.approval is None
        return settings.hold_page if at_once else timedelta()

    @property
    def remedy(self) -> Remedy:
        """What the engine must know of it."""
        return Remedy(self.name, self.matchers, self.hold, self.settings.tenants)


def hash_of(settings: RunbookSettings) -> str:
    """Of everything that stands in a runbook, overrides and defaults included."""
    text = json.dumps(settings.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()
