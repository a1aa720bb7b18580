"""sloth's specifications: `version: prometheus/v1`, and the object PrometheusServiceLevel of Kubernetes.

Each service becomes a pack, and each of its objectives an `slo`, of which `--slo-naming sloth` makes sloth's rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.importing.imported import Imported, escaped
from generator.importing.sloth_plugins import ALERT_FOR, Effects, effects, interval
from generator.importing.sloth_spec import Alert, Alerting, Plugin, Service, Slo
from generator.importing.spec import Reader, item
from generator.slo.sloth import SPEC
from tocsin import duration
from tocsin.problem import Problem
from tocsin.yamltree import Document, YamlPath

OBJECTS = "sloth.slok.dev/v1"
KIND = "PrometheusServiceLevel"


def is_meant(document: Document) -> bool:
    """Whether the document is a specification of sloth's, right or wrong."""
    return any(_services(document))


def read(document: Document, _beside: Sequence[Document] = ()) -> tuple[list[Imported], list[Problem]]:
    """A pack for each service in the document, and what cannot be kept."""
    reader = Reader(document)
    packs = [_pack(reader, path, spec) for path, spec in _services(document)]
    if not packs:
        hint = f"write version: {SPEC} at its head, or apiVersion: {OBJECTS} and kind: {KIND}"
        reader.note("does not say that it is a specification of sloth's", (), hint)
    return [pack for pack in packs if pack], reader.problems


def _services(document: Document) -> Iterator[tuple[YamlPath, str]]:
    """Where the services stand, and of which specification they are."""
    data = document.data
    if not isinstance(data, dict):
        return
    if str(data.get("version")).startswith("prometheus/v"):
        yield (), str(data["version"])
    items = data.get("items")
    objects: Mapping[YamlPath, Any] = {(): data}
    if isinstance(items, list):
        objects = {("items", index): one for index, one in enumerate(items)}
    for path, one in objects.items():
        version = str(one.get("apiVersion")) if isinstance(one, dict) else ""
        if version.startswith("sloth.slok.dev/"):
            yield path, version


def _pack(reader: Reader, path: YamlPath, spec: str) -> Imported | None:
    if spec not in (SPEC, OBJECTS):
        key = "version" if spec.startswith("prometheus/") else "apiVersion"
        reader.note(f"sloth's specification {spec!r} is not known", (*path, key), f"known are {SPEC} and {OBJECTS}")
        return None
    if spec == OBJECTS and (kind := reader.below((*path, "kind"))) != KIND:
        hint = f"kind: {KIND} is read; windows of one's own belong under tiers: docs/reference/slo.md"
        reader.note(f"kind {kind!r} of sloth's is not read", (*path, "kind"), hint, "warning")
        return None
    at = path if spec == SPEC else (*path, "spec")
    data = reader.below(at)
    if at == ():
        data = {key: value for key, value in data.items() if key != "version"}
    service = reader.model(Service, {} if data is None else data, at)
    if service is None:
        return None
    reading = _Reading(reader, service, spec)
    groups = _groups(reading, (*at, "slos"))
    if not groups:
        return None
    metadata = reader.below((*path, "metadata")) if spec == OBJECTS else None
    own = metadata if isinstance(metadata, dict) else {}
    places: dict[YamlPath, YamlPath] = {("groups", n, "rules", 0): at for n, at in enumerate(groups)}
    return Imported(
        name=str(own.get("name") or service.service),
        document=reader.document,
        groups=[escaped(group) for group in groups.values()],
        within=str(own.get("namespace") or ""),
        metadata={"verbatim": True},
        origins={(): path, **places},
        comments={here: reading.said(at) for here, at in places.items()},
        left_out=len(service.slos) - len(groups),
    )


def _groups(reading: _Reading, path: YamlPath) -> Mapping[YamlPath, Mapping[str, Any]]:
    """A group for each SLO that can be kept, by where it stands."""
    groups: dict[YamlPath, Mapping[str, Any]] = {}
    names: set[str] = set()
    for index in range(len(reading.service.slos)):
        group = reading.group((*path, index))
        if group is None:
            continue
        if group["name"] in names:
            message, hint = (
                f"there are two SLOs {group['name']!r} of the service",
                "rename one: sloth's id is made of it",
            )
            reading.reader.note(message, (*path, index, "name"), hint)
            continue
        names.add(group["name"])
        groups[*path, index] = group
    return groups


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the SLOs of a service."""

    reader: Reader
    service: Service
    spec: str

    def group(self, path: YamlPath) -> dict[str, Any] | None:
        """The SLO at the path, in a group of its own; None where it cannot be kept."""
        data = self.reader.below(path)
        slo = self.reader.model(Slo, data, path, _named(data))
        done = effects(self._plugins(slo, path), self.reader) if slo else None
        if slo is None or done is None or self._overridden(slo, path):
            return None
        every = interval(slo.interval, (*path, "interval"), self.reader) or done.interval
        return item(
            {"name": slo.name, "interval": every and duration.show(every), "rules": [self._slo(slo, done, path)]}
        )

    def said(self, path: YamlPath) -> Sequence[str]:
        """What the SLO at the path says of itself to its readers: sloth's rules have no word of it."""
        description = self.reader.below((*path, "description"))
        return [f" {line}" for line in str(description).strip().splitlines()] if description else ()

    def _slo(self, slo: Slo, done: Effects, path: YamlPath) -> dict[str, Any]:
        own = {} if self.spec == SPEC else {"sloth_spec": self.spec}
        alerting = slo.alerting
        return item(
            {
                "slo": slo.name,
                "service": self.service.service,
                "objective": _plain(slo.objective),
                **_measured(slo),
                "series_labels": {**self.service.labels, **slo.labels},
                "info_labels": {**own, **(done.info_labels or {}), **slo.info_labels},
                "labels": alerting.labels,
                "annotations": alerting.annotations,
                "page": self._manner(alerting, alerting.page_alert, done, (*path, "alerting", "page_alert")),
                "ticket": self._manner(alerting, alerting.ticket_alert, done, (*path, "alerting", "ticket_alert")),
            }
        )

    def _manner(self, alerting: Alerting, alert: Alert, done: Effects, path: YamlPath) -> dict[str, Any]:
        if alert.disable:
            return {"enabled": False}
        if alert.hold and not done.holds:
            hint = f"name the plugin {ALERT_FOR} under slo_plugins, or write it into the pack, where it counts"
            message = "sloth takes no notice of 'for' without its plugin alert_for, so it is left out"
            self.reader.note(message, (*path, "for"), hint, "warning")
        return item(
            {
                "alert": alerting.name,
                "for": duration.show(alert.hold) if alert.hold and done.holds else None,
                "labels": alert.labels,
                "annotations": alert.annotations,
            }
        )

    def _plugins(self, slo: Slo, path: YamlPath) -> Sequence[tuple[Plugin, YamlPath]]:
        """The chain of the service and behind it the SLO's, each with its place."""
        above = path[:-2]
        key = "slo_plugins" if self.reader.below((*above, "slo_plugins")) is not None else "sloPlugins"
        chains = {(*above, key, "chain"): self.service.slo_plugins, (*path, "plugins", "chain"): slo.plugins}
        return [(plugin, (*at, n)) for at, plugins in chains.items() for n, plugin in enumerate(plugins.chain)]

    def _overridden(self, slo: Slo, path: YamlPath) -> bool:
        if not (slo.plugins.override_previous or self.service.slo_plugins.override_previous):
            return False
        hint = "remove it: what is imported is what sloth's own rules would be"
        self.reader.note("sloth's own plugins are left out, and no rules are those of the SLO", path, hint)
        return True


def _measured(slo: Slo) -> dict[str, Any]:
    if slo.sli.events:
        return {"requests": {"errors": slo.sli.events.error_query.text, "total": slo.sli.events.total_query.text}}
    assert slo.sli.raw, "the model has one of the two"
    return {"error_ratio": {"expr": slo.sli.raw.error_ratio_query.text}}


def _plain(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _named(data: Any) -> str:
    return str(data.get("name", "")) if isinstance(data, dict) else ""
