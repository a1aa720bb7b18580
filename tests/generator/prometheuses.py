"""A real Prometheus that reads rule files of a folder of the test's own."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.real import Binaries

PATIENCE_SECONDS = 30


@contextmanager
def running(
    binaries: Binaries, folder: Path, patterns: Sequence[str] = ("rules/*.yml",), lifecycle: bool = True
) -> Iterator[str]:
    """The address of a Prometheus that is ready; it evaluates by 90 s where a group does not say otherwise."""
    (folder / "rules").mkdir(exist_ok=True)
    config = {"global": {"evaluation_interval": "90s"}, "rule_files": list(patterns)}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(binaries.prometheus), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", *(["--web.enable-lifecycle"] if lifecycle else [])]
    with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until = time.monotonic() + PATIENCE_SECONDS
            while not _is_ready(url):
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.1)  # a real process has no clock that a test could move
            yield url
        finally:
            process.terminate()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def ask(url: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    """The status and body of an answer."""
    request = urllib.request.Request(url + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
