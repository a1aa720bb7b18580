"""Does steps of kind `ansible`, by ansible-runner in a process of its own with a folder of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import yaml

from receiver.engine.runs_planned import Action
from receiver.remediate.program import GRACE_SECONDS, Program, run
from receiver.remediate.step import About, CannotBegin, Done
from receiver.remediate.steps.about import about_variables
from receiver.remediate.steps.ansible import AnsibleEdge
from receiver.remediate.steps.ansible_result import MOST_TOLD, hosts_of, judged, result_of
from receiver.remediate.steps.endings import told
from receiver.remediate.steps.paths import within
from tocsin.config import read_secret
from tocsin.errors import MissingExtra, TocsinError
from tocsin.masking import masked

RUN = Path(__file__).with_name("ansible_run.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOOK_SECONDS = 25.0  # less than acting gives a look


class _Unsafe(str):
    """A text that Ansible must not read as a template."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def variables_file(variables: Mapping[str, object]) -> str:
    """Extra variables as YAML in which every text is marked `!unsafe`: `{{ … }}` in it stays text."""
    marked = {name: _Unsafe(value) if isinstance(value, str) else value for name, value in variables.items()}
    return yaml.dump(marked, Dumper=_Dumper, width=1_000_000)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder of one run, with everything that Ansible may write into."""

    folder: Path
    environment: Mapping[str, str]
    secrets: tuple[str, ...]


class AnsibleDoer:
    """Plays playbooks."""

    def __init__(self, edge: AnsibleEdge, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """Takes the settings; `grace_seconds` pass between asking a play to end and ending it.

        Raises:
            MissingExtra: Ansible is not installed.
        """
        for module in ("ansible_runner", "ansible"):
            if importlib.util.find_spec(module) is None:
                raise MissingExtra(module.replace("_", "-"), "ansible")
        self._edge = edge
        self._grace_seconds = grace_seconds

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """On which hosts the playbook would run, as Ansible itself says."""
        playbook = await asyncio.to_thread(self._playbook, action)
        async with self._place(action, about) as place:
            ran = await run(self._listing(action, playbook, place), place.secrets)
        hosts = hosts_of(ran, action)
        digest = sha256(await asyncio.to_thread(playbook.read_bytes)).hexdigest()
        return {"hosts": ", ".join(hosts[:MOST_TOLD]), "playbook": str(playbook), "sha256": digest}

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """Plays it once."""
        try:
            playbook = await asyncio.to_thread(self._playbook, action)
            async with self._place(action, about) as place:
                spec = self._spec(action, playbook)
                (place.folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
                ran = await run(self._playing(action, place), place.secrets)
                result = result_of(place.folder)
        except CannotBegin as error:
            return Done("failed", reason=f"{error}; nothing was done")
        done = told(ran.ending, (0,), action.timeout.total_seconds())
        if done.outcome != "unknown" and ran.ending is not None and not ran.ending.error:
            done = judged(result)  # an exit code says nothing of how far it came
        return Done(done.outcome, ran.output, masked(done.reason, place.secrets))

    async def close(self) -> None:
        """Keeps nothing."""

    def _playbook(self, action: Action) -> Path:
        edge = self._edge
        path = within(edge.directory / action.arguments["playbook"], [edge.directory], "remediation.ansible.directory")
        for file in (edge.inventory_file, edge.key_file, edge.vault_password_file):
            if file is not None and not file.exists():
                raise CannotBegin(f"{file} is not there; it stands in remediation.ansible")
        return path

    @asynccontextmanager
    async def _place(self, action: Action, about: About) -> AsyncIterator[_Place]:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="tocsin-ansible-"))  # rights 0700
        try:
            yield await asyncio.to_thread(self._prepared, folder, action, about)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _prepared(self, folder: Path, action: Action, about: About) -> _Place:
        for name in ("env", "bin", "home"):
            (folder / name).mkdir()
        variables = variables_file(action.arguments.get("extra_vars", {}))
        (folder / "env/extravars").write_text(variables, encoding="utf-8")
        starter = folder / "bin/ansible-playbook"  # the one that is installed beside us, whatever PATH has
        starter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m ansible playbook "$@"\n')
        starter.chmod(0o700)
        environment = {
            "LANG": "C.UTF-8",
            "HOME": str(folder / "home"),
            "ANSIBLE_HOME": str(folder / "home/.ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "True",  # which ansible-runner turns off unless it is told
            "SSH_ASKPASS": "/bin/false",  # nobody is there to be asked whether a host's key is right
            "SSH_ASKPASS_REQUIRE": "force",
            **about_variables(about),
            **self._edge.environment,
        }
        environment["PATH"] = f"{folder}/bin:{environment.get('PATH', PATH)}"
        return _Place(folder, environment, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        files = (self._edge.key_file, self._edge.vault_password_file)
        try:
            return tuple(read_secret(file) for file in files if file is not None)
        except TocsinError as error:
            raise CannotBegin(str(error)) from error

    def _options(self, action: Action) -> list[str]:
        options = ["--check"] if action.arguments.get("check") else []
        if self._edge.key_file is not None:
            options += ["--private-key", str(self._edge.key_file)]
        if self._edge.vault_password_file is not None:
            options += ["--vault-password-file", str(self._edge.vault_password_file)]
        return options

    def _listing(self, action: Action, playbook: Path, place: _Place) -> Program:
        options = ["--list-hosts", "-i", str(self._edge.inventory_file), "--limit", action.arguments["limit"]]
        tags = ["--tags", ",".join(action.arguments["tags"])] if action.arguments.get("tags") else []
        starter, variables = place.folder / "bin/ansible-playbook", f"@{place.folder}/env/extravars"
        command = [str(starter), *self._options(action), *options, *tags, "-e", variables, str(playbook)]
        return self._program(starter, command, place, LOOK_SECONDS)

    def _program(self, path: Path, command: Sequence[str], place: _Place, seconds: float) -> Program:
        folder, grace = self._edge.directory, self._grace_seconds
        return Program(path, command, place.environment, seconds, directory=folder, grace_seconds=grace)

    def _spec(self, action: Action, playbook: Path) -> dict[str, object]:
        spec: dict[str, object] = {
            "project_dir": str(self._edge.directory),
            "playbook": str(playbook),
            "inventory": str(self._edge.inventory_file),
            "limit": action.arguments["limit"],
            "cmdline": shlex.join(self._options(action)),
        }
        return spec | ({"tags": ",".join(action.arguments["tags"])} if action.arguments.get("tags") else {})

    def _playing(self, action: Action, place: _Place) -> Program:
        python = Path(sys.executable)
        command = [str(python), "-I", str(RUN), str(place.folder)]
        return self._program(python, command, place, action.timeout.total_seconds())
