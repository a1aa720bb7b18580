"""Debian packages without root: a private apt fetches them, dpkg unpacks them, nothing is installed.

The mirrors are the machine's own and only the suite is ours, so that no address stands in this repository.
Standard library only: this runs before the environment exists.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INDEX_OF_MAIN = re.compile(r"^'(.+?)/*/dists/[a-z]+/main/binary-")  # a suite with a dash is no main archive

CONFIGURATION = """\
Dir::State::lists "{home}/lists";
Dir::Cache "{home}/cache";
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class Unfetchable(Exception):
    """The packages cannot be had; says why."""


def unpack(packages: Sequence[str], suite: str, home: Path) -> Path:
    """Fetches the packages of a suite and unpacks them; apt's lists stay in `home` for the next time.

    Returns:
        The folder they were unpacked into; the caller takes what it needs and removes it.

    Raises:
        Unfetchable: there is no apt, or no mirror of this machine serves the packages.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Unfetchable("this machine has no apt")
    reasons = []
    for mirror in mirrors():
        try:
            return _unpack_from(mirror, packages, suite, home.resolve())
        except subprocess.CalledProcessError as error:
            reasons.append(f"{mirror}: {_last_line(error.stderr)}")
    raise Unfetchable("; ".join(reasons) or "the machine's apt sources name no mirror of Debian's main archive")


def mirrors() -> list[str]:
    """What the machine's apt sources name, whatever their format; Debian's own archive before third parties'.

    Raises:
        Unfetchable: apt cannot read its sources.
    """
    try:
        listed = _run("apt-get", "update", "--print-uris").splitlines()
    except subprocess.CalledProcessError as error:
        raise Unfetchable(_last_line(error.stderr)) from error
    found = dict.fromkeys(match[1] for line in listed if (match := INDEX_OF_MAIN.match(line)))
    return sorted(
        (mirror for mirror in found if not mirror.startswith("cdrom:")),
        key=lambda mirror: not mirror.endswith("/debian"),
    )


def _unpack_from(mirror: str, packages: Sequence[str], suite: str, home: Path) -> Path:
    fetched, unpacked = home / "packages", home / "unpacked"
    for folder in (fetched, unpacked):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (fetched, unpacked, home / "lists/partial", home / "cache/archives/partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "apt.conf").write_text(CONFIGURATION.format(home=home))
    (home / "sources.list").write_text(f"deb [{' '.join(_options())}] {mirror} {suite} main\n")
    apt = ("apt-get", "-qq", "-c", str(home / "apt.conf"))
    _run(*apt, "update")
    _run(*apt, "download", *packages, cwd=fetched)
    for package in fetched.iterdir():
        _run("dpkg", "-x", str(package), str(unpacked))
    shutil.rmtree(fetched)
    return unpacked


def _options() -> Iterator[str]:
    yield f"arch={_run('dpkg', '--print-architecture').strip()}"
    yield "target=Packages"  # none of the indexes for graphical shops that a desktop's apt asks for
    if KEYRING.exists():
        yield f"signed-by={KEYRING}"


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
