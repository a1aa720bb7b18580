"""A storm from a seed: the files that a user would have, and apart from them the truth."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from bench.storm.alertmanager import Body, Grouping, as_json, bodies, fingerprint, moment
from bench.storm.faults import Fired, fired
from bench.storm.nature import PLAIN, WorldKind, crowded, drawn
from bench.storm.world import World, build
from tocsin import duration

Occurrence = tuple[str, str]  # fingerprint and startsAt, as the bodies have them


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run is like. `group_by` holds `SERVICE` where the world's own label is meant."""

    name: str
    hours: float
    mixed_holds: bool
    grouping: Grouping
    bursts: float = 0.0  # an hour
    burst_size: tuple[int, int] = (4, 9)  # faults
    noise: float = 1.0  # times the world's own


SERVICE = "<service>"
SHORT = Setting("short", 6.0, mixed_holds=False, grouping=Grouping(("alertname", SERVICE), 5.0, 10.0))
DEFAULTS = Setting("defaults", 6.0, mixed_holds=True, grouping=Grouping(("alertname",), 30.0, 300.0))
STORM = Setting(
    "storm", 3.0, mixed_holds=True, grouping=Grouping(("alertname", SERVICE), 5.0, 10.0), bursts=1.5, noise=2.0
)
SETTINGS = {setting.name: setting for setting in (SHORT, DEFAULTS, STORM)}


@dataclass(frozen=True, slots=True)
class Truth:
    """Of each occurrence that was told: its fault and whether it is the cause. Noise is a fault of one alert."""

    faults: Mapping[Occurrence, int]
    causes: frozenset[Occurrence]


@dataclass(frozen=True, slots=True)
class Storm:
    """A world and what it sent."""

    world: World
    bodies: tuple[Body, ...]
    truth: Truth


def storm(seed: int, setting: Setting, kind: WorldKind = "drawn") -> Storm:
    """The same storm for the same seed."""
    rng = random.Random(seed)
    nature = crowded(PLAIN if kind == "plain" else drawn(rng), noise=setting.noise)
    world = build(rng, nature, mixed_holds=setting.mixed_holds)
    alerts = fired(rng, world, hours=setting.hours, bursts=setting.bursts, burst_size=setting.burst_size)
    by = tuple(nature.label if name == SERVICE else name for name in setting.grouping.by)
    sent = tuple(bodies(rng, alerts, replace(setting.grouping, by=by)))
    return Storm(world, sent, _truth(sent))


def _truth(sent: tuple[Body, ...]) -> Truth:
    told = {occurrence(one): one for body in sent for one in (*body.firing, *body.resolved)}
    return Truth({key: one.fault for key, one in told.items()}, frozenset(k for k, one in told.items() if one.cause))


def occurrence(one: Fired) -> Occurrence:
    """How an alert is told apart in bodies and answers."""
    return fingerprint(tuple(sorted(one.labels.items()))), moment(one.starts_at)


def write(made: Storm, folder: Path) -> tuple[Path, Path]:
    """Writes what a user would have: `storm.jsonl`, and `receiver.yml` with the rule files that it names.

    Nothing of the truth is in them.
    """
    lines, config = folder / "storm.jsonl", folder / "receiver.yml"
    with lines.open("w", encoding="utf-8") as stream:
        for body in made.bodies:
            stream.write(json.dumps({"at": moment(body.at), "body": as_json(body)}) + "\n")
    edges = {caller: list(found) for caller, found in sorted(made.world.edges.items())}
    topology = {"label": made.world.nature.label, "edges": edges}
    config.write_text(yaml.safe_dump({"topology": topology, "rule_files": ["rules/*.yml"]}, sort_keys=False))
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "alerts.yml").write_text(yaml.safe_dump(_rules(made.world), sort_keys=False))
    return lines, config


def _rules(world: World) -> dict[str, Any]:
    """A Prometheus rule file with every alert and its `for`."""
    rules = []
    for name in world.nature.names.all():
        hold = {"for": duration.show(timedelta(seconds=world.holds[name]))} if world.holds[name] else {}
        rules.append(
            {
                "alert": name,
                "expr": f"simulated_{name.lower()} > 0",
                **hold,
                "labels": {"severity": world.severities[name]},
            }
        )
    return {"groups": [{"name": "simulated", "interval": "15s", "rules": rules}]}
