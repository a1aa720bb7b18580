"""The house itself: what holds for every file of the repository, whoever wrote it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from tocsin import errors

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tocsin", "generator", "exporter", "receiver")
LONGEST_FILE = 400  # lines; STYLE.md: think again there

# Put together from parts, so that this file does not find itself.
ADDRESSES = ("/" + "work/", "/" + "root/", "pypi" + ".org", "python" + "hosted.org", "deb" + ".debian.org")


def tracked() -> list[Path]:
    """What a clone would hold: every file that git tracks, or would after `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [file for file in files if file.is_file()]


def test_no_address_of_one_machine_or_registry() -> None:
    """No file names a machine's folder or a registry: mirrors and indexes are everybody's own setting."""
    found = [
        f"{file.relative_to(ROOT)}: {address}"
        for file in tracked()
        for address in ADDRESSES
        if address.encode() in file.read_bytes()
    ]
    assert found == []


def test_lock_pins_every_package_by_hash() -> None:
    """requirements.lock says what it was made by, carries a hash for each pin, and no PyTorch."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "make lock" in lock.splitlines()[1]
    pins = re.findall(r"^(\S+)==.*\\\n    --hash=sha256:", lock, flags=re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z]", lock, flags=re.MULTILINE))
    assert "torch" not in pins


def test_lock_knows_every_dependency() -> None:
    """What pyproject.toml asks for is in requirements.lock, and of its extras those that the Makefile names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.findall(r"^LOCKED := (.*)", makefile, flags=re.MULTILINE)[0].split()
    asked = chain(project["dependencies"], *(project["optional-dependencies"][name] for name in extras))
    names = {re.split(r"[^\w.-]", line)[0].lower().replace(".", "-").replace("_", "-") for line in asked}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert names <= set(re.findall(r"^(\S+)==", lock, flags=re.MULTILINE))


def test_every_core_dependency_says_why() -> None:
    """Whoever reads pyproject.toml learns what each core dependency is for."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    _, _, listed = text.partition("\ndependencies = [\n")
    lines = listed.partition("\n]")[0].splitlines()
    assert [line.strip() for line in lines if not re.search(r"\s# \S", line)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is(package: str) -> None:
    """A module opens with a docstring; only an empty `__init__.py` may be silent."""
    silent = [
        str(file.relative_to(ROOT))
        for file in (ROOT / package).rglob("*.py")
        if (tree := ast.parse(file.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]
    assert silent == []


def test_no_file_is_too_long() -> None:
    """A file does one thing; at 400 lines it does not any more."""
    sources = [file for file in tracked() if file.suffix in {".py", ".sh"}]
    long = [str(file.relative_to(ROOT)) for file in sources if len(file.read_text("utf-8").splitlines()) > LONGEST_FILE]
    assert long == []


def test_the_floors_hold() -> None:
    """import-linter keeps every contract of pyproject.toml: who may import whom."""
    lint = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([lint, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_drawn_tree_of_errors_is_the_real_one() -> None:
    """The tree at the top of tocsin/errors.py names every error, each under its parent, in order."""
    drawn = [
        match for line in (errors.__doc__ or "").splitlines() if (match := re.match(r"([│├└─ ]*)([A-Z]\w+) ", line))
    ]
    assert [(len(match[1]) // 4, match[2]) for match in drawn[1:]] == list(tree(errors.TocsinError))


def tree(kind: type[errors.TocsinError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, kind.__name__
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)
