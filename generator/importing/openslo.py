"""OpenSLO: `openslo/v1`, whose objects name one another within a file, and the older `openslo/v1alpha`.

Each SLO becomes a pack, and each of its objectives an `slo`; what alerts are its alert policies alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from generator.importing import openslo_alerts
from generator.importing.imported import Imported, escaped
from generator.importing.openslo_metric import Measure
from generator.importing.openslo_objects import KINDS, VERSIONS, Objects, Placed, objects, of, used
from generator.importing.openslo_spec import Metadata, Objective, Sli, Slo, TimeWindow
from generator.importing.spec import Reader, item
from tocsin import duration
from tocsin.problem import Problem
from tocsin.promql import LABEL
from tocsin.yamltree import Document, YamlPath

# What an SLO may name, and by which keys.
REFERENCES: Mapping[str, Sequence[str]] = {
    "SLI": ("indicatorRef",),
    "AlertPolicy": ("alertPolicyRef",),
    "AlertCondition": ("conditionRef",),
}


def is_meant(document: Document) -> bool:
    """Whether the document holds objects of OpenSLO, right or wrong."""
    return any(True for _ in of(document, Reader(document)))


def read(document: Document, beside: Sequence[Document] = ()) -> tuple[list[Imported], list[Problem]]:
    """A pack for each SLO in the document, and what cannot be kept; `beside` are all documents of its file."""
    problems: list[Problem] = []
    around = objects(beside or [document], problems)
    packs = [_object(placed, around) for placed in of(document, Reader(document, problems))]
    if not packs:
        hint = f"write apiVersion: {VERSIONS[0]} at its head, and kind: SLO"
        Reader(document, problems).note("does not say that it is an object of OpenSLO's", (), hint)
    return [pack for pack in packs if pack], list(dict.fromkeys(problems))


def _object(placed: Placed, around: Objects) -> Imported | None:
    version, kind = str(placed.data["apiVersion"]), str(placed.data.get("kind"))
    if version not in VERSIONS:
        placed.note(f"{version} is not known", "apiVersion", hint=f"known are {', '.join(VERSIONS)}")
    elif kind not in KINDS:
        placed.note(f"kind {kind!r} is none of OpenSLO's", "kind", hint=f"write one of {', '.join(KINDS)}")
    elif kind == "SLO":
        return _slo(placed, around)
    elif kind in REFERENCES and placed.name() not in used(around, kind, REFERENCES[kind]):
        hint = f"name it in an SLO of this file: {REFERENCES[kind][0]}: {placed.name() or '…'}"
        placed.warn(f"no SLO names this {kind}: it is left out", hint=hint)
    return None


def _slo(placed: Placed, around: Objects) -> Imported | None:
    reader, spec = placed.reader, placed.below("spec")
    metadata = reader.model(Metadata, placed.below("metadata").data or {}, placed.below("metadata").path)
    slo = reader.model(Slo, spec.data if spec.data is not None else {}, spec.path, placed.name())
    if metadata is None or slo is None:
        return None
    tiers = openslo_alerts.tiers(spec.below("alertPolicies"), around)
    reading = _Reading(placed, metadata, slo, tiers, around)
    common = reading.common()
    if common is None:
        return None
    found = {index: reading.item(index, common) for index in range(len(slo.objectives))}
    kept = {index: group for index, group in found.items() if group}
    if not kept:
        return None
    places: dict[YamlPath, YamlPath] = {
        ("groups", n, "rules", 0): (*spec.path, "objectives", index) for n, index in enumerate(kept)
    }
    comments: dict[YamlPath, Sequence[str]] = {
        path: reading.said(index) for path, index in zip(places, kept, strict=True)
    }
    return Imported(
        name=metadata.name,
        document=reader.document,
        groups=[escaped(group) for group in kept.values()],
        within=slo.service,
        metadata={"verbatim": True},
        origins={(): placed.path, **places},
        comments=comments,
        remarks=list(_remarks(metadata)),
        left_out=len(found) - len(kept),
    )


def _remarks(metadata: Metadata) -> Iterator[str]:
    """What an object says of itself, and a pack has no key for."""
    if metadata.display_name:
        yield f" {metadata.display_name}"
    yield from (f" {name}: {value}" for name, value in metadata.annotations.items())


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the objectives of one SLO."""

    placed: Placed
    metadata: Metadata
    slo: Slo
    tiers: Mapping[str, Any] | None
    around: Objects

    def common(self) -> dict[str, Any] | None:
        """What all of its objectives have; None, with a problem, where it cannot be kept."""
        spec = self.placed.below("spec")
        period = self._period(spec)
        if period is None or self.tiers is None:
            return None
        return {
            "service": self.slo.service,
            "period": duration.show(period),
            "description": self.slo.description,
            "info_labels": dict(self._labels()),
        }

    def said(self, index: int) -> Sequence[str]:
        """What is said of an objective to its readers."""
        display = self.placed.below("spec", "objectives", index, "displayName").data
        silent = [] if self.tiers else [" Nothing alerts: it has no alert policy."]
        return [*([f" {display}"] if display else []), *silent]

    def _alerting(self) -> dict[str, Any]:
        """The tiers of the policies alone; without any the usual ones, silent: their windows are recorded."""
        quiet = {"enabled": False}
        return {"default_tiers": False, "tiers": self.tiers} if self.tiers else {"page": quiet, "ticket": quiet}

    def item(self, index: int, common: Mapping[str, Any]) -> dict[str, Any] | None:
        """An objective, in a group of its own; None, with a problem, where it cannot be kept."""
        at = self.placed.below("spec", "objectives", index)
        objective = at.reader.model(Objective, at.data, at.path, self.metadata.name)
        sli, of_sli = self._sli(objective, at) if objective else (None, at)
        if objective is None or sli is None:
            return None
        measured = Measure(sli, of_sli, objective, at, self.slo.budgeting_method, self.around).keys()
        if measured is None:
            return None
        several = len(self.slo.objectives) > 1
        name = f"{self.metadata.name}-{index}" if several else self.metadata.name
        slices = objective.time_slice_window if self.slo.budgeting_method != "Occurrences" else None
        whole = objective.percent.is_integer()
        target = int(objective.percent) if whole else objective.percent
        slo = item({"slo": name, "objective": target, **common, **measured, **self._alerting()})
        return item({"name": name, "interval": slices and duration.show(slices), "rules": [slo]})

    def _sli(self, objective: Objective, at: Placed) -> tuple[Sli | None, Placed]:
        """What is measured, by the objective itself or else by the SLO, and where the metric stands."""
        if objective.ratio_metrics:
            sli = Sli.model_construct(ratio_metric=objective.ratio_metrics, threshold_metric=None, description=None)
            return sli, at.below("ratioMetrics")
        for around in (at, self.placed.below("spec")):
            data = around.data
            if "indicator" in data and data["indicator"] is not None:
                inner = around.below("indicator")
                return self._metric(inner.below("spec") if self._is_v1() else inner)
            if "indicatorRef" in data:
                found = self.around.find("SLI", data["indicatorRef"], around, "indicatorRef")
                return self._metric(found.below("spec")) if found else (None, around)
        hint = "write indicator: {spec: {ratioMetric: …}}, or indicatorRef: and the name of an SLI in this file"
        at.note("nothing says what is measured", hint=hint)
        return None, at

    def _metric(self, spec: Placed) -> tuple[Sli | None, Placed]:
        sli = spec.reader.model(Sli, {} if spec.data is None else spec.data, spec.path, self.metadata.name)
        return sli, spec.below("thresholdMetric" if sli and sli.threshold_metric else "ratioMetric")

    def _is_v1(self) -> bool:
        return str(self.placed.data["apiVersion"]).endswith("/v1")

    def _period(self, spec: Placed) -> timedelta | None:
        key = "timeWindow" if spec.below("timeWindow").data is not None else "timeWindows"
        if not self.slo.time_window:
            spec.warn("has no time window: 30d is taken", hint="write timeWindow: [{duration: 30d, isRolling: true}]")
            return timedelta(days=30)
        at = spec.below(key, 0)
        window = at.reader.model(TimeWindow, at.data, at.path, self.metadata.name)
        return window.length if window else None

    def _labels(self) -> Iterator[tuple[str, str]]:
        """The labels of the object, which tell about it and not about what is measured."""
        for name, value in self.metadata.labels.items():
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            if LABEL.fullmatch(name) and not isinstance(value, dict):
                yield name, text
            else:
                hint = "call it by letters, digits and '_', as Prometheus does"
                self.placed.warn(f"the label {name!r} is left out", "metadata", "labels", name, hint=hint)
