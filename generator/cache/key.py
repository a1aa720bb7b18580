"""By what a build is found again: the bytes of its inputs, its options, and the Tocsin that makes it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import generator
import tocsin
from tocsin import data
from tocsin.errors import TocsinError

SUFFIXES = (".yml", ".yaml")

# What decides about the result beside our own code.
LIBRARIES = ("promql_parser", "yaml", "pydantic_core", "pydantic", "re2")


def key(paths: Sequence[Path], options: Mapping[str, str]) -> str:
    """A digest of all that the result depends on; another one where anything differs."""
    digest = hashlib.sha256()
    for part in _parts(paths, options):
        digest.update(len(part).to_bytes(8, "big"))  # so that no two lists of parts read the same
        digest.update(part)
    return digest.hexdigest()


def _parts(paths: Sequence[Path], options: Mapping[str, str]) -> Iterator[bytes]:
    yield f"tocsin {tocsin.__version__}, python {sys.version}".encode()
    yield from _stamps()
    yield str(Path.cwd()).encode()  # generated files name their source as seen from here
    for name, value in sorted(options.items()):
        yield f"{name}={value}".encode()
    for path in [*paths, *_shipped()]:
        for file in _files(path):
            yield os.fsencode(file)
            yield _content(file)


def _stamps() -> Iterator[bytes]:
    """Size and time of our own code and of the libraries: a checkout changes without its version."""
    folders = [Path(str(package.__file__)).parent for package in (generator, tocsin)]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    found = (find_spec(name) for name in LIBRARIES)
    files += [Path(spec.origin) for spec in found if spec and spec.origin]
    for file in files:
        about = file.stat()
        yield f"{file} {about.st_size} {about.st_mtime_ns}".encode()


def _shipped() -> Sequence[Path]:
    """The packs that ship: others may refer to them by name."""
    try:
        return [data.folder("rulepacks")]
    except TocsinError:
        return []


def _files(path: Path) -> Iterator[Path]:
    """Every file that a build could read there; more than it does read is no harm."""
    if not path.is_dir():
        yield path
        return
    for parent, folders, files in os.walk(path):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(files) if name.endswith(SUFFIXES))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        return f"unreadable: {error.errno}".encode()
