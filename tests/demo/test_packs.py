"""The packs that ship, as the demo's company has them."""

from __future__ import annotations

from pathlib import Path

import yaml

from demo.packs import extended, packs
from demo.processes import TOCSIN, run


def test_beside_the_packs() -> None:
    """Examples and runbooks lie beside the packs, and are none."""
    names = {pack.name for pack in packs()}
    assert {"http", "node", "audio"} <= names
    assert names.isdisjoint({"examples", "runbooks"})


def test_only_what_a_pack_has(tmp_path: Path) -> None:
    """A parameter is changed where there is one; packs without it can be left out."""
    every = extended(tmp_path / "every", {"engine": "exporter"})
    some = extended(tmp_path / "some", {"engine": "exporter"}, only_with="engine")
    assert len(every) == len(packs()) > len(some)
    assert {yaml.safe_load(file.read_text())["params"]["engine"] for file in some} == {"exporter"}


async def test_they_build(tmp_path: Path) -> None:
    """The rules read the exporter's scores, and name the pages where the receiver serves them."""
    files = extended(tmp_path / "packs", {"engine": "exporter", "runbooks": "http://receiver.example/runbooks"})
    await run(TOCSIN, "rules", "build", *files, "-o", tmp_path / "rules")
    rules = (tmp_path / "rules/listen-http.yml").read_text()
    assert 'tocsin_anomaly_score{query="http_latency"' in rules
    assert "http://receiver.example/runbooks/http/HttpErrorRatioHigh.md" in rules
