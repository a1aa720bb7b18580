"""The recipes of deploy/ci as their hosts run them: each step's script, in a shell, with its variables."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / "deploy/ci/github/tocsin.yml"
GITLAB = ROOT / "deploy/ci/gitlab/tocsin.gitlab-ci.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"


class _Loader(yaml.SafeLoader):
    """GitLab's YAML, which has a tag of its own."""


def _reference(loader: yaml.SafeLoader, node: yaml.nodes.Node) -> list[Any]:
    assert isinstance(node, yaml.nodes.SequenceNode)
    names: list[Any] = loader.construct_sequence(node)
    return names


_Loader.add_constructor("!reference", _reference)


def read(file: Path) -> dict[str, Any]:
    """A recipe as data; of GitHub's, `on` is the key that YAML takes for true."""
    data: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    return data


@dataclass(frozen=True)
class Script:
    """One step of GitHub's, or all of a job's lines of GitLab's."""

    host: str
    job: str
    name: str
    text: str
    shell: tuple[str, ...] = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


def scripts() -> Iterator[Script]:
    """All of them; what installs something is left out."""
    for job, tree in read(GITHUB)["jobs"].items():
        for step in tree["steps"]:
            if "id" in step:
                yield Script("github", job, step["id"], step["run"])
    for job, tree in read(GITLAB).items():
        if isinstance(tree, dict) and "script" in tree:
            shell = ("sh", "-e") if "alpine" in tree.get("image", "") else Script.shell
            yield Script("gitlab", job, job, "\n".join(tree["script"]), shell)


def every_line() -> Iterator[tuple[str, str]]:
    """Where a script stands, and the script: those that install, too."""
    for job, tree in read(GITHUB)["jobs"].items():
        yield from ((f"github {job}", step["run"]) for step in tree["steps"] if "run" in step)
    for job, tree in read(GITLAB).items():
        if isinstance(tree, dict):
            lines = [line for key in ("before_script", "script") for line in tree.get(key, ()) if isinstance(line, str)]
            yield f"gitlab {job}", "\n".join(lines)


def script(host: str, name: str) -> Script:
    """The one of that name."""
    [found] = [one for one in scripts() if (one.host, one.name) == (host, name)]
    return found


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it printed."""

    code: int
    output: str


async def run(one: Script, folder: Path, variables: Mapping[str, str], path: str = "") -> Ran:
    """Runs it in the folder, with nothing of this process's environment but where programs are."""
    recipe = read(GITHUB)["env"] if one.host == "github" else read(GITLAB)["variables"]
    programs = os.pathsep.join(filter(None, [path, str(Path(sys.executable).parent), os.environ["PATH"]]))
    given = {key: str(value) for key, value in recipe.items()}
    environment = {**given, "HOME": str(folder), "PATH": programs, **variables}
    file = folder.parent / f"{one.name}.sh"
    file.write_text(one.text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *one.shell,
        file,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, output.decode())
