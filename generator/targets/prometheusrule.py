"""`prometheusrule`: the custom resource of the Prometheus operator.

Source: prometheus-operator, monitoring.coreos.com/v1. Its spec is a rule file.
"""

from __future__ import annotations

from generator import yamltext
from generator.rule import Pack
from generator.targets.rulefile import groups


def render(pack: Pack) -> str:
    """The pack as a PrometheusRule of the same name."""
    labels = {"app.kubernetes.io/managed-by": "tocsin"}
    return yamltext.dump(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": pack.name, "labels": labels},
            "spec": {"groups": groups(pack)},
        }
    )
