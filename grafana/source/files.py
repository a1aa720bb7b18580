"""Dashboards and the files they are kept in: JSON for Grafana, and ConfigMaps for Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.boards import (
    anomalies,
    audio,
    incidents,
    internals,
    overview,
    quality,
    security,
    services,
    slos,
    tenant,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "grafana/dashboards"
CONFIG_MAPS = ROOT / "deploy/kubernetes/dashboards"
DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {  # one line for each
    "overview": overview.dashboard,
    "services": services.dashboard,
    "anomalies": anomalies.dashboard,
    "slos": slos.dashboard,
    "tenant": tenant.dashboard,
    "quality": quality.dashboard,
    "incidents": incidents.dashboard,
    "audio": audio.dashboard,
    "security": security.dashboard,
    "internals": internals.dashboard,
}

# JSON in a block of YAML, as its folder's sidecar finds it (the Grafana chart's default label).
CONFIG_MAP = """\
# Written by `make dashboards`. The label is what the sidecar of Grafana's chart looks for by default.
apiVersion: v1
kind: ConfigMap
metadata:
  name: tocsin-dashboard-{name}
  labels:
    app.kubernetes.io/part-of: tocsin
    grafana_dashboard: "1"
  annotations:
    grafana_folder: Tocsin
data:
  tocsin-{name}.json: |-
    {json}
"""


def text(dashboard: Dashboard) -> str:
    """A dashboard as its file holds it: the same bytes whenever the source is the same."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard) + "\n"


def config_map(name: str, dashboard: Dashboard) -> str:
    """A dashboard as a ConfigMap, without the line breaks and spaces that people read by."""
    return CONFIG_MAP.format(name=name, json=JSONEncoder(sort_keys=True, separators=(",", ":")).encode(dashboard))


def written() -> dict[Path, str]:
    """Every file and what it holds."""
    made = {name: make() for name, make in DASHBOARDS.items()}
    return {
        **{FOLDER / f"{name}.json": text(dashboard) for name, dashboard in made.items()},
        **{CONFIG_MAPS / f"{name}.yml": config_map(name, dashboard) for name, dashboard in made.items()},
    }


def write() -> list[Path]:
    """Writes every file, takes away those that nothing makes any more, and returns what was written."""
    files = written()
    for folder in (FOLDER, CONFIG_MAPS):
        folder.mkdir(parents=True, exist_ok=True)
        for gone in set(folder.iterdir()) - files.keys():
            gone.unlink()
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
    return list(files)
