"""Paths in settings of steps, and what may stand in them."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from receiver.remediate.step import CannotBegin


def refuse(check: str, message: str, hint: str) -> PydanticCustomError:
    """What is wrong, and the way out."""
    return PydanticCustomError(check, "{message}", {"message": message, "hint": hint})


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or ".." in path.parts:
        raise refuse("path", f"{str(path)!r} is no absolute path", "write it as /usr/local/lib/runbooks")
    return path


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


Folder = Annotated[Path, AfterValidator(_absolute)]  # nothing may depend on where the worker was started
FileOf = Annotated[Path, AfterValidator(_from_folder)]  # counts from the configuration's folder


def within(path: Path, folders: Sequence[Path], key: str) -> Path:
    """The real path of a file that lies in one of the folders, where not everybody can put or change one.

    Raises:
        CannotBegin: it is not there, or lies elsewhere, or anybody could have written it.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise CannotBegin(f"{path} is not there, or cannot be reached") from error
    folder = next((one for one in map(Path.resolve, folders) if real.is_relative_to(one)), None)
    if folder is None:
        where = "" if real == path else f" (it is {real})"
        raise CannotBegin(f"{path}{where} does not lie in {key}: {', '.join(map(str, folders))}")
    if not real.is_file():
        raise CannotBegin(f"{real} is no file")
    for one in (real, *(above for above in real.parents if above.is_relative_to(folder))):
        if one.stat().st_mode & stat.S_IWOTH:
            raise CannotBegin(f"{one} can be written by everybody, so anybody could choose what runs: chmod o-w it")
    return real
