"""`python -m demo.packs DIR`: the packs that ship, as this company has them.

Each is extended by one that changes two parameters: the exporter, which has two weeks of history to learn from, judges
what is usual (recording rules would begin today), and runbook pages are where the receiver serves them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from tocsin import data
from tocsin.words import plural

NOT_PACKS = frozenset({"examples", "runbooks"})  # what lies beside the packs


def packs(only: str = "*") -> list[Path]:
    """The folders of the packs that ship, or of those whose names fit a glob."""
    found = data.folder("rulepacks").glob(f"{only}/pack.yml")
    return sorted(file.parent for file in found if file.parent.name not in NOT_PACKS)


def extended(folder: Path, params: Mapping[str, str], *, only: str = "*", only_with: str = "") -> list[Path]:
    """Writes a pack for each that ships: as it is, but for the parameters that it has; returns their files.

    `only` is a glob of names; `only_with` leaves out those without this parameter.
    """
    written = []
    for pack in packs(only):
        known = yaml.load((pack / "pack.yml").read_text("utf-8"), yaml.CSafeLoader).get("params") or {}
        if only_with and only_with not in known:
            continue
        file = folder / pack.name / "pack.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_pack(pack.name, {name: to for name, to in params.items() if name in known}), encoding="utf-8")
        written.append(file)
    return written


def _pack(name: str, params: Mapping[str, str]) -> str:
    head = {"apiVersion": "tocsin/v1alpha1", "kind": "RulePack", "metadata": {"name": f"listen-{name}"}}
    return json.dumps({**head, "extends": [name], "params": dict(params)})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.packs", description="The packs that ship, for this company.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runbooks", required=True, metavar="URL", help="where people find the runbook pages")
    parser.add_argument("--only", default="*", metavar="GLOB", help="names of packs; default: all")
    arguments = parser.parse_args()
    params = {"engine": "exporter", "runbooks": arguments.runbooks}
    written = extended(arguments.folder, params, only=arguments.only)
    print(plural(len(written), "pack"))


if __name__ == "__main__":
    main()
