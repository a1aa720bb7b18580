"""Rule files for tests: written short, checked in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

from generator.check import check
from generator.checking import check_paths
from generator.context import Settings
from generator.foreign import compile_document
from tocsin import yamltree
from tocsin.problem import Problem


def rules(items: str) -> str:
    """A rule file of one group; its rules stand on the fourth line."""
    return f"groups:\n  - name: g\n    rules:\n      [{items}]\n"


def found(text: str, folder: Path, settings: Settings = Settings()) -> list[Problem]:  # noqa: B008 - frozen
    """What the command would say about a file of that text, in the order of places."""
    file = folder / "rules.yml"
    file.write_text(text)
    return sorted(check_paths([file], settings).problems, key=lambda problem: (problem.at, problem.check))


def checked(text: str, folder: Path, settings: Settings) -> list[Problem]:
    """What the checks say, with a server's answers among the settings."""
    documents, _ = yamltree.parse(text, str(folder / "rules.yml"))
    packs = [pack for document in documents for pack in compile_document(document)[0]]
    return sorted(check(packs, settings), key=lambda problem: (problem.rule, problem.check))
