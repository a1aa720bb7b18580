"""docker-compose.yml: valid, careful, and what the demo starts on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.compose import FILE, Here, Service, services
from demo.processes import run
from demo.stack import PORTS
from tests.real import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
OURS = [name for name, service in COMPOSE["services"].items() if service["image"].startswith("tocsin")]
SERVED = [service for service in services() if service.argv]


def named(name: str) -> Service:
    return next(service for service in services() if service.name == name)


async def test_compose_specification() -> None:
    """The file is valid by the Compose specification."""
    check = Path(__file__).parents[2] / ".venv/bin/check-jsonschema"
    assert "ok" in await run(check, "--builtin-schema", "vendor.compose-spec", FILE)


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_no_rights(name: str) -> None:
    """Tocsin's own containers have a read-only root file system and no capability."""
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_images_are_pinned() -> None:
    """Images of others bear a version."""
    others = [s["image"] for name, s in COMPOSE["services"].items() if name not in OURS]
    assert others
    assert [image for image in others if image.rpartition(":")[2] in ("", "latest") or ":" not in image] == []


def test_ports_are_on_loopback() -> None:
    """Nothing is published beyond this machine."""
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert len(ports) >= len(PORTS)
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_mounts_exist() -> None:
    """Each mounted file or folder of the repository is there, read-only; each volume is declared."""
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", ()):
            source, *rest = mount.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), mount
                assert rest[-1] == "ro", mount
            else:
                assert source in COMPOSE["volumes"], mount


def test_order() -> None:
    """A service comes after those that it waits for."""
    order = [service.name for service in services()]
    for service in services():
        assert all(order.index(name) < order.index(service.name) for name in service.after)


def test_once() -> None:
    """What ends by itself is known as such, and everything else that runs here says when it is ready."""
    assert {service.name for service in services() if service.once} == {"rules", "token", "past", "blocks"}
    assert [s.name for s in SERVED if not s.once and not s.ready] == []


@pytest.mark.parametrize("service", SERVED, ids=lambda service: service.name)
def test_nothing_of_the_container_is_left(service: Service, tmp_path: Path) -> None:
    """On this machine every address is on loopback and every path below one folder or in the repository."""
    here = Here(tmp_path, services())
    words = here.command(service, service.argv)
    copies = [file.read_text(encoding="utf-8") for file in tmp_path.rglob("*.yml")]
    for text in (*words, *copies):
        assert "0.0.0.0" not in text
        assert not any(f"{other.name}:{port}" in text for other in services() for port in PORTS.values())
        assert not any(start in text for start in ("=/etc/", "=/var/lib/", " /setup/", "[/setup/"))


def test_volumes_are_not_in_the_repository(tmp_path: Path) -> None:
    """A volume that is called like a folder of the repository is another place: the receiver's data, say."""
    words = Here(tmp_path, services()).command(named("receiver"), named("receiver").argv)
    [storage] = [word for word in words if word.startswith("--storage.path=")]
    assert storage == f"--storage.path={tmp_path}/volumes/receiver"


def test_same_address_everywhere(tmp_path: Path) -> None:
    """Where a server listens is where the others look for it."""
    here = Here(tmp_path, services())
    here.command(named("prometheus"), named("prometheus").argv)
    words = here.command(named("receiver"), named("receiver").argv)
    assert f"--web.listen-address={here.address('receiver', 9095)}" in words
    assert here.address("receiver", 9095) in (tmp_path / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    assert here.ready_url(named("receiver")) == f"http://{here.address('receiver', 9095)}/-/ready"


def test_token_is_not_overwritten(tmp_path: Path) -> None:
    """Starting again keeps the secret that the others may have read."""
    from demo.token import make

    file = tmp_path / "token"
    assert make(file) is True
    first = file.read_text(encoding="ascii")
    assert len(first.strip()) >= 32
    assert make(file) is False
    assert file.read_text(encoding="ascii") == first
