"""The wheel: what it carries, and that it works where there is no checkout."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tocsin import __version__

ROOT = Path(__file__).resolve().parent.parent
DATA = {  # by where it lies in the wheel
    "rulepacks": "rulepacks",
    "runbook-pages": "docs/runbooks",
    "grafana/README.md": "grafana/README.md",
    "grafana/dashboards": "grafana/dashboards",
    "grafana/provisioning": "grafana/provisioning",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


def test_wheel_carries_the_packages_and_nothing_else(wheel: Path) -> None:
    """Four packages and the metadata: no tests, no demo, nothing that Python or a tool left behind."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"tocsin", "generator", "exporter", "receiver", f"tocsin-{__version__}.dist-info"}
    assert [name for name in names if "__pycache__" in name or name.startswith("tocsin/_data/.")] == []


def test_wheel_carries_the_data(wheel: Path) -> None:
    """Every pack, page and dashboard of the checkout lies under `tocsin/_data/`, and nothing else, no source."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("tocsin/_data/")}
    for place in DATA:
        assert [name for name in names if name.startswith(f"tocsin/_data/{place}")], place
    wanted = set()
    for place, source in DATA.items():
        files = [path for path in (ROOT / source, *(ROOT / source).rglob("*")) if path.is_file()]
        wanted |= {f"tocsin/_data/{place}{str(path).removeprefix(str(ROOT / source))}" for path in files}
    assert wanted == names


def check_installed(wheels: Path, environment: Path) -> None:
    """In a clean environment, with the core dependencies alone, the command works and finds the packs that ship.

    `wheels` holds Tocsin's wheel and what it needs; test_image.py has the image's build make it. Our own pip installs,
    so that the environment needs none (Debian has no ensurepip).
    """
    venv.create(environment, symlinks=True, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin/python", "--disable-pip-version-check")
    run(*pip, "install", "-qq", "--no-compile", "--no-index", "--find-links", wheels, "tocsin", cwd=environment)
    assert not list(environment.glob("lib/*/site-packages/numpy*")), "an extra is installed"
    elsewhere = environment / "elsewhere"
    elsewhere.mkdir()
    assert "incidents" in run(environment / "bin/tocsin", "--help", cwd=elsewhere)
    assert run(environment / "bin/tocsin", "version", cwd=elsewhere).startswith(f"tocsin {__version__} ")
    where = "from tocsin import data; print(data.folder('rulepacks'))"
    packs = run(environment / "bin/python", "-c", where, cwd=elsewhere).strip()
    assert packs.endswith("site-packages/tocsin/_data/rulepacks")
    assert "no problems" in run(environment / "bin/tocsin", "rules", "check", packs, cwd=elsewhere)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What a command printed; when it fails the test fails with what it said."""
    ran = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
