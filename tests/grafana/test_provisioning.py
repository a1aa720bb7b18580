"""The provisioning files that ship: what Grafana reads when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.source.look import PROMETHEUS

PROVISIONING = Path(__file__).resolve().parents[2] / "grafana/provisioning"
FILES = sorted(PROVISIONING.rglob("*.yml"))


def read(file: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((PROVISIONING / file).read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_of_the_version_that_grafana_reads(path: Path) -> None:
    """Each file loads and says version 1."""
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["apiVersion"] == 1


def test_the_data_source_is_the_one_that_dashboards_find() -> None:
    """One Prometheus, the default, of the type that the dashboards' variable lists."""
    [source] = read("datasources/prometheus.yml")["datasources"]
    assert (source["uid"], source["type"], source["isDefault"]) == ("prometheus", PROMETHEUS.type_val, True)
    assert source["url"] == "http://prometheus:9090"
    assert source["editable"] is False
    assert source["jsonData"]["timeInterval"] == "60s"


def test_dashboards_are_read_from_the_folder_they_are_mounted_at() -> None:
    """One provider, which reads files and keeps them as they are."""
    [provider] = read("dashboards/tocsin.yml")["providers"]
    assert (provider["type"], provider["folder"]) == ("file", "Tocsin")
    assert provider["options"] == {"path": "/var/lib/grafana/dashboards"}
    assert provider["allowUiUpdates"] is False
