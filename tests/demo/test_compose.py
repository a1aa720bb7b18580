"""docker-compose.yml: valid, careful, and what the demo starts on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.compose import FILE, Here, Service, services
from demo.processes import run
from demo.stack import PORTS
from demo.token import make
from tests.real import ROOT
from tocsin.config import load
from tocsin.passwords import Passwords, basic_credentials
from tocsin.webconfig import WebConfig

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
    assert {service.name for service in services() if service.once} == {"packs", "rules", "token", "past", "blocks"}
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


def test_secrets_are_not_overwritten(tmp_path: Path) -> None:
    """Starting again keeps the secrets that the others may have read."""
    assert make(tmp_path) is True
    first = {file.name: file.read_text(encoding="ascii") for file in tmp_path.iterdir()}
    assert first.keys() == {"receiver-token", "password", "authorization", "web.yml"}
    assert len(first["receiver-token"].strip()) >= 32
    assert make(tmp_path) is False
    assert {file.name: file.read_text(encoding="ascii") for file in tmp_path.iterdir()} == first


async def test_what_the_containers_share(tmp_path: Path) -> None:
    """The password that Prometheus and the health checks read is the one whose hash receiver and exporter have."""
    make(tmp_path)
    assert "web.yml" in str(named("receiver").argv) + str(named("exporter").argv)
    users = load(tmp_path / "web.yml", WebConfig).basic_auth_users
    given = basic_credentials([(tmp_path / "authorization").read_text()])
    assert given == ("demo", (tmp_path / "password").read_text())
    assert await Passwords().fits(users, *given)
    scraped = yaml.safe_load((ROOT / "demo/config/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["job_name"] for job in scraped if job.get("basic_auth", {}).get("username") == given[0]}
    assert asked == {"tocsin-scores", "tocsin-exporter", "tocsin-receiver"}


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_open_to_other_containers(name: str) -> None:
    """Whatever of Tocsin's own listens beyond a container's loopback asks who calls."""
    words = COMPOSE["services"][name]["command"]
    if words[0] in ("receiver", "exporter"):
        assert "--web.config.file=/setup/web.yml" in words


def test_no_accounts_on_this_machine(tmp_path: Path) -> None:
    """On loopback nobody is asked who they are."""
    here = Here(tmp_path, services())
    for name in ("receiver", "exporter"):
        words = here.command(named(name), named(name).argv)
        assert [word for word in words if word.startswith("--web.config")] == []
