"""Fills .tools/ with two pairs of real Prometheus and Alertmanager, without root (`make tools`).

The current pair lies in .tools/bin, the oldest that Tocsin supports in .tools/oldest/bin. Where Debian's archive
cannot be reached, what PATH has stands in for the current one. A pair that is there already is left alone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import debian

TOOLS = Path(__file__).resolve().parents[2] / ".tools"

# What we call it, and what Debian calls it.
BINARIES = {
    "prometheus": "prometheus",
    "promtool": "promtool",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "amtool",
}

ASSETS = b"/usr/share/prometheus/alertmanager"
LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec 9<"$here/../share"
exec "$here/alertmanager.bin" "$@"
"""


@dataclass(frozen=True)
class Pair:
    """A Prometheus and an Alertmanager that belong together, and how their versions begin."""

    name: str
    folder: Path
    suite: str
    packages: tuple[str, ...]
    prometheus: str
    alertmanager: str

    def missing(self) -> list[str]:
        """The binaries that are not there, do not run or are of another version."""
        return [name for name in BINARIES if not version(self.folder / name).startswith(self._expected(name))]

    def _expected(self, binary: str) -> str:
        return self.prometheus if binary.startswith("prom") else self.alertmanager

    def __str__(self) -> str:
        prometheus, alertmanager = (version(self.folder / name) for name in ("prometheus", "alertmanager"))
        return f"{self.name} pair: Prometheus {prometheus}, Alertmanager {alertmanager} in {self.folder}"


PAIRS = (
    Pair(
        name="current",
        folder=TOOLS / "bin",
        suite="forky",
        packages=("prometheus", "promtool", "prometheus-alertmanager"),
        prometheus="3.",
        alertmanager="0.3",
    ),
    Pair(
        name="oldest",
        folder=TOOLS / "oldest/bin",
        suite="bookworm",
        packages=("prometheus", "prometheus-alertmanager"),
        prometheus="2.42.",
        alertmanager="0.25.",
    ),
)


def main() -> int:
    """Makes both pairs complete; 1 only where the real parts are required and one could not be had."""
    TOOLS.mkdir(exist_ok=True)
    complete = True
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for pair in PAIRS:
            complete &= not pair.missing() or fill(pair)
            if not pair.missing():
                print(f"tools: {pair}", flush=True)
    return 0 if complete or os.environ.get("TOCSIN_REQUIRE_REAL") != "1" else 1


def fill(pair: Pair) -> bool:
    """Fetches a pair; False where it is not to be had, after saying what to do."""
    print(f"tools: fetching the {pair.name} pair from Debian's suite {pair.suite}", flush=True)
    try:
        unpacked = debian.unpack(pair.packages, pair.suite, TOOLS / "apt" / pair.suite)
    except debian.Unfetchable as error:
        print(f"tools: {error}", file=sys.stderr, flush=True)
        return (pair.name == "current" and link_from_path(pair)) or advise(pair)
    pair.folder.mkdir(parents=True, exist_ok=True)
    relocate(unpacked, pair.folder)
    for name, packaged in BINARIES.items():
        (unpacked / "usr/bin" / packaged).replace(pair.folder / name)
    shutil.rmtree(unpacked)
    return not pair.missing() or advise(pair)


def relocate(unpacked: Path, folder: Path) -> None:
    """Lets Debian's Alertmanager run where it was not installed.

    Debian's build reads its default templates from a fixed folder, which only root could make. The name of that folder
    in the binary is overwritten with one of the same length that means "descriptor 9", and the command becomes a script
    that opens the unpacked folder as that descriptor. Nothing else of the program is changed.
    """
    assets = folder.parent / "share"
    shutil.rmtree(assets, ignore_errors=True)
    (unpacked / "usr/share/prometheus/alertmanager").rename(assets)
    packaged = unpacked / "usr/bin" / BINARIES["alertmanager"]
    program = folder / "alertmanager.bin"
    program.write_bytes(packaged.read_bytes().replace(ASSETS, b"/proc/self/fd/9".ljust(len(ASSETS), b"/")))
    program.chmod(0o755)
    packaged.write_text(LAUNCHER)


def link_from_path(pair: Pair) -> bool:
    """Links the binaries that PATH has, if it has them all."""
    found = {name: shutil.which(name) or shutil.which(packaged) for name, packaged in BINARIES.items()}
    if None in found.values():
        return False
    pair.folder.mkdir(parents=True, exist_ok=True)
    for name, path in found.items():
        (pair.folder / name).unlink(missing_ok=True)
        (pair.folder / name).symlink_to(str(path))
    print(f"tools: from PATH, {pair}")
    return True


def advise(pair: Pair) -> bool:
    """Says how to get a pair by hand; always False."""
    print(
        f"tools: no {pair.name} pair; its tests will be skipped. Put prometheus and promtool {pair.prometheus}x, "
        f"alertmanager and amtool {pair.alertmanager}x into {pair.folder} (the projects' own release archives "
        f"hold them){' or on PATH' if pair.name == 'current' else ''}.",
        file=sys.stderr,
    )
    return False


def version(binary: Path) -> str:
    """The version that a binary says it is; empty where it is missing or does not run."""
    try:
        ran = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    match = re.search(r"version (\S+)", ran.stdout + ran.stderr)
    return match[1] if match else ""


if __name__ == "__main__":
    raise SystemExit(main())
