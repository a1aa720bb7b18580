"""What ships in rulepacks/runbooks/."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[3] / "rulepacks/runbooks"
SCRIPTS = FOLDER / "scripts"
FILES = sorted(FOLDER.glob("*.yml"))


def run_script(name: str, *arguments: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    """Runs a script that ships, as its own first line would."""
    return subprocess.run(
        [sys.executable, "-I", SCRIPTS / name, *arguments],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def as_module(name: str) -> ModuleType:
    """A script as a module, so that a table of cases need not start a program each."""
    loader = SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[loader.name] = module  # dataclasses look their module up
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = bytecode
    return module


def program(file: Path, script: str) -> Path:
    """A small program that stands for another."""
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return file
