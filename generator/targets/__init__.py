"""The targets by name. A new one is a module, this line, a test and a page in docs/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from generator.emit import Rendering
from generator.rule import Pack
from generator.targets import amp, azure, gcp, mimir, prometheusrule, rulefile
from generator.version import OLDEST, Version


class Target(Protocol):
    """Writes one pack for where it will run, in the words that the version of Prometheus there knows."""

    def __call__(self, pack: Pack, version: Version = OLDEST) -> Rendering: ...


TARGETS: Mapping[str, Target] = {
    "rulefile": rulefile.render,
    "prometheusrule": prometheusrule.render,
    "mimir": mimir.render,
    "amp": amp.render,
    "azure": azure.render,
    "gcp": gcp.render,
}
