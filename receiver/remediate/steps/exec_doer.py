"""Does steps of kind `exec`: only programs of the folders that the worker's configuration names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from receiver.engine.runs_planned import Action
from receiver.remediate.program import GRACE_SECONDS, Program, run
from receiver.remediate.step import About, CannotBegin, Done
from receiver.remediate.steps.about import about_variables
from receiver.remediate.steps.endings import told
from receiver.remediate.steps.exec import ExecEdge
from receiver.remediate.steps.paths import within
from tocsin.config import read_secret
from tocsin.errors import TocsinError
from tocsin.masking import masked


class ExecDoer:
    """Starts programs."""

    def __init__(self, edge: ExecEdge, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """Takes the settings; `grace_seconds` pass between asking a program to end and ending it."""
        self._edge = edge
        self._grace_seconds = grace_seconds

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """Which program it is, by its real path and the hash of its content; that everything it needs is there."""
        return await asyncio.to_thread(self._looked, action)

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """Runs it once."""
        try:
            program, hidden = await asyncio.to_thread(self._program, action, about)
        except CannotBegin as error:
            return Done("failed", reason=f"{error}; nothing was done")
        try:
            ran = await run(program, hidden)
        except OSError as error:  # not even the launcher could be started
            return Done("failed", reason=f"{program.path} could not be started: {error.strerror}; nothing was done")
        expected = action.arguments.get("expect_exit", [0])
        done = told(ran.ending, expected, program.seconds)
        return Done(done.outcome, ran.output, masked(done.reason, hidden))

    async def close(self) -> None:
        """Keeps nothing."""

    def _looked(self, action: Action) -> Mapping[str, str]:
        path = allowed(Path(action.arguments["command"][0]), self._edge.allow)
        self._secrets(action)
        _is_folder(action)
        try:
            with path.open("rb") as file:
                digest = sha256(file.read(64 * 1024 * 1024)).hexdigest()
        except OSError:  # one may be allowed to run it and not to read it
            digest = "not readable"
        return {"program": str(path), "sha256": digest}

    def _program(self, action: Action, about: About) -> tuple[Program, tuple[str, ...]]:
        command = action.arguments["command"]
        path = allowed(Path(command[0]), self._edge.allow)
        _is_folder(action)
        secrets = self._secrets(action)
        environment = {
            "PATH": self._edge.path,
            "LANG": "C.UTF-8",
            **about_variables(about),
            **action.arguments.get("env", {}),
            **secrets,
        }
        program = Program(
            path,
            command,
            environment,
            action.timeout.total_seconds(),
            directory=Path(action.arguments.get("directory", "/")),
            umask=int(self._edge.umask, 8),
            limits=self._edge.limits,
            grace_seconds=self._grace_seconds,
        )
        return program, tuple(secrets.values())

    def _secrets(self, action: Action) -> dict[str, str]:
        found = {}
        for variable, name in action.arguments.get("secrets", {}).items():
            file = self._edge.secrets.get(name)
            if file is None:
                known = ", ".join(sorted(self._edge.secrets)) or "none"
                raise CannotBegin(f"there is no secret {name!r}; known in remediation.exec.secrets: {known}")
            try:
                found[variable] = read_secret(file).replace("\0", "")
            except TocsinError as error:
                raise CannotBegin(str(error)) from error
        return found


def allowed(path: Path, folders: Sequence[Path]) -> Path:
    """The real path of a program that may be started.

    Raises:
        CannotBegin: it may not, or cannot.
    """
    if not folders:
        raise CannotBegin("no program may be started: name the folders in remediation.exec.allow")
    real = within(path, folders, "remediation.exec.allow")
    if not os.access(real, os.X_OK):
        raise CannotBegin(f"{real} is no program that may be executed: chmod +x it")
    return real


def _is_folder(action: Action) -> None:
    folder = action.arguments.get("directory", "/")
    if not Path(folder).is_dir():
        raise CannotBegin(f"{folder} is not there, or no folder: the step would run in it")
