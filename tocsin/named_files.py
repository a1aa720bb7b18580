"""Files that a configuration names: by path, by pattern, or as ones that ship (`builtin:NAME`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from glob import glob
from pathlib import Path

from tocsin.problem import Position, Problem

BUILTIN = "builtin:"  # before the name of a file that ships


def named(
    patterns: Sequence[str], folder: Path, shipped: Mapping[str, Path], what: str, problems: list[Problem]
) -> Iterator[Path]:
    """The files that the patterns mean, in order, each once; relative ones count from `folder`.

    `shipped` are those that `builtin:` may name, `what` they are called. A pattern without a file is a problem.
    """
    seen: set[Path] = set()
    for pattern in patterns:
        for file in _files(pattern, folder, shipped, what, problems):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _files(
    pattern: str, folder: Path, shipped: Mapping[str, Path], what: str, problems: list[Problem]
) -> Sequence[Path]:
    if pattern.startswith(BUILTIN):
        return _shipped(pattern, folder, shipped, what, problems)
    files = [Path(file) for file in sorted(glob(str(folder / pattern), recursive=True)) if Path(file).is_file()]
    if not files:
        hint = "paths count from the configuration's folder; take the line out, or write the file"
        problems.append(Problem("files", f"{pattern}: no such file", Position(str(folder)), hint=hint))
    return files


def _shipped(
    pattern: str, folder: Path, shipped: Mapping[str, Path], what: str, problems: list[Problem]
) -> Sequence[Path]:
    """The file of this name that ships; `*` stands for all."""
    name = pattern.removeprefix(BUILTIN)
    if name == "*":
        return list(shipped.values())
    if name in shipped:
        return [shipped[name]]
    near = get_close_matches(name, shipped, n=1)
    hint = f"did you mean {BUILTIN}{near[0]}?" if near else f"those that ship: {', '.join(shipped) or 'none'}"
    problems.append(Problem("files", f"{pattern}: no such {what} ships", Position(str(folder)), hint=hint))
    return []
