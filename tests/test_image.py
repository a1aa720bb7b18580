"""The image: what deploy/Dockerfile says, and that its build stage makes a Tocsin that runs. No engine is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_wheel import check_installed
from tocsin import __version__

ROOT = Path(__file__).resolve().parent.parent
FINAL = ("tocsin", "demo")


@dataclass(frozen=True)
class Stage:
    """One `FROM … AS name`: its base and its instructions."""

    name: str
    base: str
    instructions: Sequence[tuple[str, str]]

    def all(self, word: str) -> list[str]:
        return [rest for found, rest in self.instructions if found == word]


def stages() -> dict[str, Stage]:
    text = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    read: list[tuple[str, str]] = [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]
    found: dict[str, Stage] = {}
    instructions: list[tuple[str, str]] = []
    for word, rest in read:
        if word == "FROM":
            base, name = rest.split(" AS ")
            instructions = list(found[base].instructions) if base in found else []
            found[name] = Stage(name, base, instructions)
        elif word:
            instructions.append((word, rest))
    return found


STAGES = stages()


def from_context() -> list[str]:
    """Every source of a COPY that is not taken from another stage."""
    copies = [rest for stage in STAGES.values() for rest in stage.all("COPY") if not rest.startswith("--from")]
    return sorted({source for rest in copies for source in rest.split()[:-1]})


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out of the build: the last pattern that matches it or its folder decides."""
    whole = PurePosixPath(path)
    verdict = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.lstrip("!")
        if line and not line.startswith("#") and any(_matches(one, pattern) for one in (whole, *whole.parents)):
            verdict = not line.startswith("!")
    return verdict


def _matches(path: PurePosixPath, pattern: str) -> bool:
    """`*` stays inside a folder, `**/` is any folder or none."""
    tail = pattern.removeprefix("**/")
    length = len(PurePosixPath(tail).parts)
    parts = path.parts[-length:] if tail != pattern else path.parts
    return len(parts) == length and fnmatch("/".join(parts), tail)


@pytest.mark.parametrize("name", FINAL)
def test_without_rights(name: str) -> None:
    """An image runs as a numeric user that is not root, and its data lies in a volume."""
    stage = STAGES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage.all("USER")[-1])
    assert stage.all("VOLUME") == stage.all("WORKDIR") == ["/var/lib/tocsin"]
    for form in ("ENTRYPOINT", "CMD"):
        assert all(isinstance(json.loads(rest), list) for rest in stage.all(form))


def test_the_image_that_is_built_by_default() -> None:
    """The last stage is Tocsin, with a health check that needs no shell, and labels that tell the truth."""
    stage = list(STAGES.values())[-1]
    assert stage.name == "tocsin"
    [check] = stage.all("HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2])[0] == "python"
    assert stage.all("STOPSIGNAL") == ["SIGTERM"]
    assert f'org.opencontainers.image.version="{__version__}"' in stage.all("LABEL")[0]


def test_what_it_is_made_of() -> None:
    """Bases carry a tag of their own; nothing is fetched by ADD, and no index is named."""
    bases = {stage.base for stage in STAGES.values()} - STAGES.keys()
    assert all(re.fullmatch(r"[\w./-]+:\d[\w.-]*", base) for base in bases), bases
    assert [rest for stage in STAGES.values() for rest in stage.all("ADD")] == []
    assert re.findall(r"https?://(?!127\.0\.0\.1)\S+", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", from_context())
def test_what_is_copied_is_there(source: str) -> None:
    """Each file that is copied exists, and .dockerignore lets it in."""
    assert (ROOT / source).exists()
    assert not ignored(source)


@pytest.mark.parametrize(
    "path", [".git/config", ".venv/bin/python", "deploy/secrets/token", "tests/real.py", "tocsin/__pycache__/cli.pyc"]
)
def test_what_stays_out(path: str) -> None:
    """Histories, environments, secrets and left-overs do not get into the build."""
    assert ignored(path)


@pytest.mark.slow(seconds=60)
@pytest.mark.timeout(600)  # it downloads everything that the lock names
def test_it_builds_and_runs(tmp_path: Path) -> None:
    """The build stage's own pip commands make a Tocsin with what it needs and no more, which writes only its data.

    Its wheels make one with the core dependencies alone, too.
    """
    stage = STAGES["build"]
    for rest in stage.all("COPY"):
        copy(rest, tmp_path)
    shorten(tmp_path / "src/requirements.lock")
    for command in stage.all("RUN"):
        if re.search(r"\bpip\b", command):
            shell(here(command, tmp_path), cwd=tmp_path / "src")
    site = tmp_path / "opt/tocsin/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    installed = {re.split("-", found.name)[0].lower() for found in site.glob("*.dist-info")}
    assert {"tocsin", "sktime", "matplotlib", "slack_sdk", "pdpyras", "aiohttp"} <= installed
    assert installed.isdisjoint({"pytest", "ruff", "mypy", "hatchling", "uv", "aiosmtpd"})
    assert (tmp_path / "opt/tocsin-demo/aiosmtpd").is_dir()

    before = sorted((tmp_path / "opt").rglob("*"))
    environment = {"PATH": f"{tmp_path}/opt/tocsin/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    assert __version__ in run(["tocsin", "version"], environment)
    run_receiver(tmp_path / "data", environment)
    run(["python", "-c", "import demo.sinks"], environment | {"PYTHONPATH": f"{tmp_path}/opt/tocsin-demo"})
    assert sorted((tmp_path / "opt").rglob("*")) == before
    check_installed(tmp_path / "wheels", tmp_path / "core")


def here(text: str, folder: Path) -> str:
    """A command of the build with the image's folders laid under a folder of ours."""
    return re.sub(r"(?<=\s)/(wheels|opt)\b", rf"{folder}/\1", text)


def copy(rest: str, folder: Path) -> None:
    *sources, target = rest.split()
    to = folder / "src" / here(f" {target}", folder).strip()
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, to)


def shorten(lock: Path) -> None:
    """Leaves in the build's lock what the image is made of; `make venv` shows that all of it can be had."""
    wanted = ("tocsin[exporter,plot,slack,pagerduty,twilio,aws,apprise,k8s,calendar]", "hatchling", "aiosmtpd")
    needed = closure(*map(Requirement, wanted))
    pins = re.findall(r"^(\S+)(==(?:.*\\\n)+.*\n)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lock.write_text("".join(name + rest for name, rest in pins if name in needed), encoding="utf-8")


def closure(*wanted: Requirement) -> set[str]:
    """The names of distributions and of all that they need, as this environment's metadata say."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    queue = [(canonicalize_name(one.name), extra) for one in wanted for extra in ("", *one.extras)]
    while queue:
        name, extra = queue.pop()
        if (name, extra) not in seen:
            seen.add((name, extra))
            found.add(name)
            needs = [Requirement(text) for text in metadata.requires(name) or ()]
            here = [one for one in needs if one.marker is None or one.marker.evaluate({"extra": extra})]
            queue += [(canonicalize_name(one.name), more) for one in here for more in ("", *one.extras)]
    return found


def shell(command: str, cwd: Path) -> None:
    """Runs a line as the build would, with this environment's python and pip."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-euc", command], cwd=cwd, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    ran = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def run_receiver(data: Path, environment: Mapping[str, str]) -> None:
    """Starts the image's command, asks its health check, and ends it as an engine does."""
    stage = STAGES["tocsin"]
    command = [*json.loads(stage.all("ENTRYPOINT")[-1]), *json.loads(stage.all("CMD")[-1])]
    hashed = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
    data.mkdir(exist_ok=True)
    (data / "web.yml").write_text(f"basic_auth_users: {{alice: '{hashed}'}}")
    here = {"/var/lib/tocsin": str(data), "/etc/tocsin": str(data), "0.0.0.0:9095": "127.0.0.1:0"}
    for there, path in here.items():
        command = [word.replace(there, path) for word in command]
    program = shutil.which(command[0], path=environment["PATH"])
    assert program
    with subprocess.Popen([program, *command[1:]], env=environment, stderr=subprocess.PIPE, text=True) as receiver:
        assert receiver.stderr
        address = next(line.split("address=")[1].split()[0] for line in receiver.stderr if "event=listening" in line)
        check = json.loads(stage.all("HEALTHCHECK")[-1].partition("CMD ")[2])
        run(check, {**environment, "TOCSIN_HEALTH_URL": f"{address}/-/healthy", "http_proxy": "http://127.0.0.1:1"})
        receiver.send_signal(signal.SIGTERM)
        receiver.stderr.read()
    assert receiver.returncode == 0
