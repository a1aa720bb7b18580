"""The OpenAPI document: it tells every route, and the receiver does what it tells."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from receiver.access.principal import SCOPES
from receiver.engine.events import AnyEvent
from receiver.web.openapi import declared
from tests.receiver.harness import receiver
from tests.receiver.test_commands import TOCSIN

ROOT = Path(__file__).parents[2]
NOT_ANSWERED_IN_TIME = "/api/v1/record"  # it streams for as long as somebody reads
CRON_AND_THE_LIKE = "POST /api/v1/maintenance"  # no schema tells what a time zone or a matcher is


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    async with receiver(tmp_path) as tocsin:
        found: dict[str, Any] = await tocsin.get("/api/openapi.json")
        return found


async def test_it_is_one(document: dict[str, Any]) -> None:
    """It is valid OpenAPI 3.1."""
    import schemathesis  # takes a second

    schemathesis.openapi.from_dict(document).validate()
    assert document["openapi"].startswith("3.1.")


async def test_every_route_is_told(tmp_path: Path, document: dict[str, Any]) -> None:
    """Each route under /api/ declares what it takes and answers, and stands in the document; nothing else does."""
    async with receiver(tmp_path) as tocsin:
        routes = list(declared(tocsin.receiver.doors.application))
    assert [(route.method, route.path) for route in routes if route.operation is None] == []
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(route.method, route.path) for route in routes}
    assert ("POST", "/api/v2/hooks/alertmanager") in told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield path, method, told


async def test_every_operation_tells_its_scope_and_its_problems(document: dict[str, Any]) -> None:
    """Whoever writes a client learns which scope is needed, and that problems are problem+json."""
    names = []
    for path, method, told in operations(document):
        names.append(told["operationId"])
        assert told["summary"], path
        assert told["description"], path
        assert told.get("x-scope", "incidents:read") in SCOPES
        assert {"401", "403", "503"} <= set(told["responses"])
        for status, answer in told["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
        if method == "post" and path.startswith("/api/v1/"):
            assert "Idempotency-Key" in [parameter["name"] for parameter in told["parameters"]]
    assert len(names) == len(set(names))


async def test_every_event_is_told(document: dict[str, Any]) -> None:
    """What can stand on a timeline is told as it is stored: there is no second list of it."""
    kinds = {msgspec.inspect.type_info(event).tag for event in get_args(AnyEvent)}  # type: ignore[attr-defined]
    at, told = document["components"]["schemas"]["Event"]["allOf"]
    assert at["required"] == ["at"]
    assert set(told["discriminator"]["mapping"]) == kinds


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A receiver process, whose log may hold aiohttp's word about a head that no HTTP parser takes."""
    with (folder / "log").open("w") as log:
        listen = ["--web.listen-address", "127.0.0.1:0", "--storage.path", str(folder / "store")]
        process = subprocess.Popen([*TOCSIN, "receiver", "run", *listen], stderr=log)
        try:
            while "event=listening" not in (said := (folder / "log").read_text()):
                assert process.poll() is None, said
                time.sleep(0.05)
            yield said.split("address=")[1].split()[0]
        finally:
            process.terminate()
            process.wait(30)
    assert "a request failed" not in (folder / "log").read_text()


@pytest.mark.slow(30)
def test_schemathesis(tmp_path: Path) -> None:
    """Made-up requests, right and wrong ones, meet no 5xx, no status and no shape that is not told."""
    command = [sys.executable, "-W", "ignore", "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    told = ["--exclude-path", NOT_ANSWERED_IN_TIME, "--exclude-name", CRON_AND_THE_LIKE]
    bounds = ["--max-examples", "3", "--phases", "examples,fuzzing", "--seed", "1", "--request-timeout", "30"]
    with served(tmp_path) as url:
        run = subprocess.run(
            [*command, f"{url}/api/openapi.json", *told, *bounds, "--exclude-checks", "ignored_auth", "--no-color"],
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.receiver.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert int(run.stdout.split("Tested: ")[1].split()[0]) >= 40
