"""One side of a comparison: paths, paths at a revision of git, or a server that runs rules."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from generator.delivery.compare import Files
from generator.delivery.running import Running, as_run, running, stem
from generator.gathering import gather
from generator.rule import Group, Pack
from generator.server_options import address
from generator.version import Version
from tocsin.errors import UsageError
from tocsin.http_client import session
from tocsin.http_config import HttpConfig
from tocsin.problem import Problem
from tocsin.promapi import Prometheus

URL = re.compile(r"https?://", re.IGNORECASE)
REVISION = re.compile(r"(?P<revision>[^:\s-][^:\s]*):(?P<path>[^:]*)")
GIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Side:
    """Its rules, and what is wrong with what was to be read; `running` is the server's whole answer."""

    files: Files
    problems: tuple[Problem, ...] = ()
    running: Running | None = None


def side(text: str, version: Version, http: HttpConfig, timeout_seconds: float) -> Side:
    """What an argument of `tocsin rules diff` names.

    Raises:
        UsageError: it names nothing.
        QueryError: the server does not answer.
    """
    if URL.match(text):
        url = address(text, "the server")
        found = asyncio.run(asked(url, http, timeout_seconds))
        files: dict[str, list[Group]] = {}
        for file, groups in found.files.items():  # two folders may hold files of one name
            files.setdefault(stem(file), []).extend(groups)
        return Side(files, running=found)
    if not Path(text).exists() and (named := REVISION.fullmatch(text)):
        return _at_revision(named["revision"], named["path"] or ".", version)
    return _of_path(Path(text), version)


async def asked(url: str, http: HttpConfig, timeout_seconds: float) -> Running:
    """What the server at an address runs.

    Raises:
        QueryError: it does not answer, or refuses, or is no Prometheus.
    """
    async with session(http, timeout_seconds) as opened:
        return await running(Prometheus(opened, [url], timeout_seconds=timeout_seconds, http=http))


def as_alike(one: Side, other: Side) -> tuple[Files, Files]:
    """Both sides; where one runs, the other is put as a server would tell of it.

    Intervals that the server gives to groups without one are left out where it does not say which that is.
    """
    known = one.running or other.running
    if known is None:
        return one.files, other.files
    return _as_run(one, known.interval), _as_run(other, known.interval)


def _as_run(one: Side, interval: timedelta | None) -> Files:
    files = one.files if one.running else {file: as_run(groups, interval) for file, groups in one.files.items()}
    if interval:
        return files
    return {file: [replace(group, interval=None) for group in groups] for file, groups in files.items()}


def _of_path(path: Path, version: Version) -> Side:
    gathered = gather([path], version)
    files: dict[str, list[Group]] = {}
    for pack in gathered.running():
        files.setdefault(_key(pack, path), []).extend(pack.groups)
    return Side(files, gathered.problems)


def _key(pack: Pack, path: Path) -> str:
    """A pack by its name; another's file by its own, without its suffix."""
    if not pack.foreign:
        return pack.name
    file = Path(pack.origin.document.file)
    return str((file.relative_to(path) if path.is_dir() else Path(file.name)).with_suffix(""))


def _at_revision(revision: str, path: str, version: Version) -> Side:
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        _check_out(revision, path, Path(folder))
        found = _of_path(Path(folder, path), version)
        problems = tuple(_placed(problem, folder, revision) for problem in found.problems)
        return replace(found, problems=problems)


def _placed(problem: Problem, folder: str, revision: str) -> Problem:
    """The problem where it stands in git: the folder is gone by then."""
    file = f"{revision}:{Path(problem.at.file).relative_to(folder)}" if folder in problem.at.file else problem.at.file
    return replace(problem, at=replace(problem.at, file=file))


def _check_out(revision: str, path: str, folder: Path) -> None:
    """Writes what git knows of the path into the folder.

    Raises:
        UsageError: there is no git, no such revision or no such path in it.
    """
    command = ["git", "archive", "--format=tar", revision, "--", path]
    try:
        made = subprocess.run(command, capture_output=True, check=False, timeout=GIT_SECONDS)  # noqa: S603 - no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{revision}:{path}: git cannot be run: {error}") from error
    if made.returncode:
        said = made.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"{revision}:{path}: {said[0] if said else 'git does not know it'}; in CI, fetch it first")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
