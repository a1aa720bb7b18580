"""Imported packs into a folder, where people may have worked on them since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from generator import output
from generator.emit import File
from generator.importing import packtext
from generator.output import Written
from tocsin.errors import UsageError


def write(files: Sequence[File], folder: Path, sources: Iterable[Path] = (), *, force: bool = False) -> Written:
    """Writes the packs that differ from what is there; over files of other people, or edited ones, by force alone.

    Over the sources that they were made of nothing is written at all.

    Raises:
        UsageError: the folder cannot be written, or files in the way must not be; then nothing is written.
    """
    imported = {source.resolve() for source in sources}
    for path in (folder / file.name for file in files):
        if path.resolve() in imported:
            raise UsageError(f"{path}: is what is imported; choose another -o")
    in_the_way = [] if force else [told for file in files if (told := _kept(file, folder / file.name))]
    if in_the_way:
        told = "\n".join(in_the_way)
        raise UsageError(f"{told}\nmove them away, choose another -o, or write over them by --force")
    return output.write(files, folder, header=packtext.HEADER, over_others=force)


def _kept(file: File, path: Path) -> str:
    """Why what stands at the path must stay; nothing where it need not."""
    try:
        present = path.read_bytes().decode(errors="replace")
    except OSError:
        return ""  # nothing is there, or writing tells why it cannot be
    if present == file.text:
        return ""
    source = packtext.source(present)
    if source is None:
        return f"{path}: was not written by tocsin rules import"
    if not packtext.is_untouched(present):
        return f"{path}: was edited since it was imported from {source}"
    return "" if source == packtext.source(file.text) else f"{path}: was imported from {source}, another file"
