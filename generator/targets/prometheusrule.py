"""`prometheusrule`: the custom resource of the Prometheus operator.

Source: prometheus-operator, monitoring.coreos.com/v1. Its spec is a rule file.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator.emit import Rendering
from generator.rule import Pack
from generator.targets import manifests
from generator.targets.dialect import Dialect, spoken
from generator.version import OLDEST, Version
from generator.yamltext import Tree


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as a PrometheusRule of the same name; as several, with bits behind the name, where it is large."""
    said, problems = spoken(pack, Dialect("prometheusrule", version))
    return manifests.render(said, problems, _manifest)


def _manifest(name: str, groups: Sequence[Tree]) -> Tree:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "tocsin"}},
        "spec": {"groups": groups},
    }
