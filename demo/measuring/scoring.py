"""What the exporter would have published of the packs' queries, as blocks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import yaml

from demo.measuring.history import blocks
from demo.measuring.plan import HOUR
from demo.measuring.server import serving
from demo.processes import TOCSIN, run


def queries(files: Iterable[Path]) -> list[str]:
    """The expressions of the exporter's query files."""
    found = [yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["queries"] for file in files]
    return [query["expr"] for queries in found for query in queries]


async def score(since: datetime, until: datetime, query_files: Iterable[Path], binaries: Path, folder: Path) -> str:
    """Scores what is in the blocks below `folder`/data, and puts the scores there.

    Returns what was written, in words.
    """
    config, out = folder / "exporter.yml", folder / "scores.om"
    span = f"--start={(since - HOUR).isoformat()}", f"--end={until.isoformat()}"
    async with serving(binaries, folder) as url:
        tree = {"prometheus": {"url": url}, "query_files": [str(file) for file in query_files]}
        config.write_text(json.dumps(tree), encoding="utf-8")
        said = await run(TOCSIN, "exporter", "backfill", f"--config.file={config}", *span, "-o", out)
    await blocks(binaries, out, folder / "data")
    return said.splitlines()[-1]
