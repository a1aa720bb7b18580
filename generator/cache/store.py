"""Outcomes in files: one each, checked by its digest; what cannot be read or written is as if it were not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from generator.outcome import Outcome
from tocsin.files import replacing

MAX_BYTES = 512 * 1024 * 1024  # of all entries together


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/tocsin/rules`, by default below `~/.cache`.

    Source: XDG Base Directory Specification 0.8; a relative path in the variable counts for nothing.
    """
    given = Path(environment.get("XDG_CACHE_HOME", ""))
    home = Path(environment.get("HOME") or "~").expanduser()
    return (given if given.is_absolute() else home / ".cache") / "tocsin" / "rules"


def read(where: Path, key: str) -> Outcome | None:
    """The outcome kept under the key; None if there is none, or if it is not what was written."""
    file = where / f"{key}.json"
    try:
        digest, _, content = file.read_bytes().partition(b"\n")
        if digest.decode("ascii", "replace") != hashlib.sha256(content).hexdigest():
            return None
        outcome = msgspec.json.decode(content, type=Outcome)
        os.utime(file)  # used: the oldest go first
    except (OSError, msgspec.DecodeError):
        return None
    return outcome


def write(where: Path, key: str, outcome: Outcome) -> None:
    """Keeps the outcome; a folder that cannot be written costs the next build its time and nothing else."""
    content = msgspec.json.encode(outcome)
    digest = hashlib.sha256(content).hexdigest()
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(where / f"{key}.json") as stream:
            stream.write(f"{digest}\n{content.decode()}")
        _trim(where)
    except OSError:
        return


def _trim(where: Path) -> None:
    """Removes what was not used for longest, until the rest is within bounds."""
    entries = sorted(((file.stat(), file) for file in where.glob("*.json")), key=lambda entry: -entry[0].st_mtime_ns)
    total = 0
    for about, file in entries:
        total += about.st_size
        if total > MAX_BYTES:
            file.unlink(missing_ok=True)
