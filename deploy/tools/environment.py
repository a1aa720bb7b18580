"""Makes the environment .venv: exactly what requirements.lock pins, and Tocsin itself, editable (`make venv`).

Debian takes `ensurepip` out of its Python, so that `python3 -m venv` needs a package that only root can install.
There pip's own wheel is fetched from Debian instead. What is half made by an interrupted run is made anew.
"""

from __future__ import annotations

import fcntl
import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import debian

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
PRIVATE_APT = ROOT / ".tools/apt"


def main() -> int:
    """Makes what is missing, then installs."""
    PRIVATE_APT.mkdir(parents=True, exist_ok=True)
    with (PRIVATE_APT.parent / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if not has_pip():
                create()
            install()
        except debian.Unfetchable as error:
            print(
                f"venv: this Python has no ensurepip, and pip's wheel cannot be fetched ({error}).\n"
                "venv: install python3-venv, or name another interpreter: make venv PYTHON=/path/to/python3.11",
                file=sys.stderr,
            )
            return 1
        except subprocess.CalledProcessError as error:
            print(f"venv: failed with status {error.returncode}: {' '.join(error.cmd)}", file=sys.stderr)
            return 1
    return 0


def has_pip() -> bool:
    """Whether .venv is there and works: an interrupted run or a Python that was replaced leaves one that does not."""
    if not PYTHON.exists():
        return False
    asked = "import sys, pip; print(*sys.version_info[:2])"
    answer = subprocess.run([PYTHON, "-c", asked], check=False, capture_output=True, text=True).stdout
    return answer.split() == [str(part) for part in sys.version_info[:2]]


def create() -> None:
    print(f"venv: making .venv with Python {platform.python_version()}", flush=True)
    if importlib.util.find_spec("ensurepip"):
        run(sys.executable, "-m", "venv", "--clear", VENV)
        return
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")
    print(f"venv: this Python has no ensurepip; fetching pip from Debian's suite {suite}", flush=True)
    unpacked = debian.unpack(["python3-pip-whl"], suite, PRIVATE_APT / suite)
    (wheel,) = (unpacked / "usr/share/python-wheels").glob("pip-*.whl")
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    run(PYTHON, wheel / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    shutil.rmtree(unpacked)


def install() -> None:
    """Installs by hash and as wheels only: nothing is compiled, nothing is built but Tocsin."""
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq", "--no-compile")
    print("venv: installing what requirements.lock pins", flush=True)
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", ROOT / "requirements.lock")
    print("venv: installing tocsin itself, editable", flush=True)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
