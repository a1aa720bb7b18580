"""docker-compose.yml without containers: the same services, command lines and files, as programs of this machine.

What differs is what a container would give, and that on loopback nobody is asked who they are: each `service:port`
becomes a free port on loopback, each mounted path a path below one folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from demo.processes import free_port

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yml"
LOOPBACK = r"\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost):(\d+)\b"
ACCOUNTS = "--web.config.file="  # not here: nothing listens beyond loopback


@dataclass(frozen=True, slots=True)
class Service:
    """One service as the file has it."""

    name: str
    image: str
    argv: tuple[str, ...]
    mounts: tuple[tuple[str, str], ...]  # (source, path in the container)
    environment: Mapping[str, str]
    ready: str  # the URL that its health check asks; "" if it has none
    after: tuple[str, ...]
    once: bool  # it does something and ends
    published: tuple[str, ...] = ()  # ports of this machine's loopback that lead to it


def services(file: Path = FILE) -> list[Service]:
    """The services of a Compose file, each after those that it waits for."""
    found: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    waits = {name: service.get("depends_on", {}) for name, service in found.items()}
    ending = {
        name
        for wait in waits.values()
        for name, until in wait.items()
        if until["condition"] == "service_completed_successfully"
    }
    order = TopologicalSorter({name: list(wait) for name, wait in waits.items()}).static_order()
    return [_service(name, found[name], once=name in ending) for name in order]


def _service(name: str, found: Mapping[str, Any], *, once: bool) -> Service:
    mounts = [volume.split(":") for volume in found.get("volumes", ())]
    return Service(
        name=name,
        image=found["image"].partition(":")[0],
        argv=(*found.get("entrypoint", ()), *found.get("command", ())),
        mounts=tuple((source, path) for source, path, *_ in mounts),
        environment=found.get("environment", {}),
        ready=found["healthcheck"]["test"][-1] if "healthcheck" in found else "",
        after=tuple(found.get("depends_on", {})),
        once=once,
        published=tuple(port.split(":")[-2] for port in found.get("ports", ())),
    )


class Here:
    """Where the services' addresses and paths are on this machine: below one folder, on free ports of loopback."""

    def __init__(self, folder: Path, all_services: Iterable[Service]) -> None:
        known = list(all_services)
        self._folder = folder
        self._names = "|".join(service.name for service in known)
        self._publishes = {port: service.name for service in known for port in service.published}
        self._ports: dict[tuple[str, str], str] = {}

    def address(self, service: str, port: int | str) -> str:
        """Where a service's port is: `127.0.0.1:23456`."""
        key = service, str(port)
        if key not in self._ports:
            self._ports[key] = f"127.0.0.1:{free_port()}"
        return self._ports[key]

    def command(self, service: Service, argv: Iterable[str]) -> list[str]:
        """The command line for this machine; copies the service's configuration files, fitted in the same way."""
        paths = {path: self._mount(source, path, service) for source, path in service.mounts}
        for source, path in service.mounts:
            if source.startswith(".") and (ROOT / source).is_file():
                text = (ROOT / source).read_text(encoding="utf-8")
                Path(paths[path]).write_text(self._local(text, service, paths), encoding="utf-8")
        return [self._local(word, service, paths) for word in argv if not word.startswith(ACCOUNTS)]

    def ready_url(self, service: Service) -> str:
        """What answers 200 as soon as the service is ready."""
        return self._local(service.ready, service, {})

    def _mount(self, source: str, path: str, service: Service) -> str:
        """Where a mounted path is here: the folder itself, a copy of the file, or a volume."""
        if not source.startswith("."):
            here = self._folder / "volumes" / source
            here.mkdir(parents=True, exist_ok=True)
            return str(here)
        if (ROOT / source).is_dir():
            return str(ROOT / source)
        (self._folder / service.name).mkdir(exist_ok=True)
        return str(self._folder / service.name / Path(path).name)

    def _local(self, text: str, service: Service, paths: Mapping[str, str]) -> str:
        """Text with what is true in the service's container made true here."""
        mounted = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
        if mounted:
            text = re.sub(rf"(?<![\w/])(?:{mounted})(?![\w-])", lambda found: paths[found[0]], text)
        text = re.sub(LOOPBACK, lambda found: self.address(self._publishes.get(found[1], service.name), found[1]), text)
        return re.sub(rf"\b({self._names}):(\d+)\b", lambda found: self.address(found[1], found[2]), text)
