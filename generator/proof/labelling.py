"""Label sets for the series that an expression reads, such that its selectors match them and its operators join them.

Every series bears all the labels that the expression or a message speaks of, with the same values wherever the
selectors allow it: then sides meet, whatever they are matched by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from generator.proof.instants import expanded, expression
from generator.proof.readings import Reading, Survey
from generator.proof.samples import samples
from generator.proof.vectors import NAME, UnprovableError
from tocsin.labels import Matcher, Matchers, matches
from tocsin.model import Labels

SPOKEN = re.compile(r"\$labels\.([a-zA-Z_]\w*)|\.Labels\.([a-zA-Z_]\w*)")
OF_BUCKETS = frozenset({"le", "quantile"})
OTHERS = ("other", "200", "default", "a", "0")
READABLE = {"instance": "host-1:9100", "namespace": "shop", "device": "sda", "mountpoint": "/data", "fstype": "ext4"}
READABLE |= dict.fromkeys(("code", "status", "status_code"), "200")


def spoken_of(texts: Iterable[str]) -> list[str]:
    """The labels that annotations mention."""
    return [one or other for text in texts for one, other in SPOKEN.findall(text)]


@dataclass
class Labelling:
    """Chooses the values; `labels` are the names that every series bears."""

    survey: Survey
    labels: Sequence[str]
    _common: dict[str, str] = field(default_factory=dict)
    _pools: dict[str, list[str]] = field(default_factory=dict)

    def of(self, reading: Reading) -> Labels:
        """A label set that the selector matches, and others of its metric do not where that can be.

        Raises:
            UnprovableError: no value is found that its matchers let through.
        """
        labels: Labels = {name: self._value(name, reading.matchers) for name in self._names(reading)}
        if not matches(reading.matchers, labels):
            raise UnprovableError("no labels are found that one of its selectors matches")
        for other in self.survey.readings:
            if other is not reading and other.matchers != reading.matchers and other.metric == reading.metric:
                labels = self._without(labels, reading, other)
        return {name: value for name, value in labels.items() if value}

    def _names(self, reading: Reading) -> list[str]:
        own = [matcher.name for matcher in reading.matchers]
        everywhere = (name for name in self.labels if name not in OF_BUCKETS and name not in self.survey.dropped)
        return list(dict.fromkeys([NAME, *own, *everywhere, *sorted(reading.dropped - OF_BUCKETS)]))

    def _value(self, name: str, matchers: Matchers) -> str:
        own = [one for one in matchers if one.name == name]
        common = self._everywhere(name)
        if not own or _fits(own, common):
            return common
        return next((value for value in (*self._pool(name), "") if _fits(own, value)), "")

    def _everywhere(self, name: str) -> str:
        """The value that most selectors take."""
        if name not in self._common:
            self._common[name] = self._chosen(name)
        return self._common[name]

    def _chosen(self, name: str) -> str:
        for target, replacement, source, pattern in self.survey.replaced:
            if target == name and source != name and source:
                found = expression(pattern).fullmatch(self._everywhere(source)) if source in self.labels else None
                if found is not None:
                    return expanded(replacement, found)
        conditions = [[one for one in reading.matchers if one.name == name] for reading in self.survey.readings]
        conditions = [one for one in conditions if one]
        pool = self._pool(name)
        return max(pool, key=lambda value: sum(_fits(condition, value) for condition in conditions))

    def _pool(self, name: str) -> list[str]:
        if name not in self._pools:
            matchers = [one for reading in self.survey.readings for one in reading.matchers if one.name == name]
            equal = [one.value for one in matchers if one.operator == "="]
            sampled = [text for one in matchers if one.operator == "=~" for text in samples(one.value)]
            refused = [one.value for one in matchers if one.operator == "!="]
            refused += [text for one in matchers if one.operator == "!~" for text in samples(one.value)]
            plain = READABLE.get(name, f"{name}-1")
            first = [*equal, *sampled, plain] if equal else [plain, *sampled]
            self._pools[name] = [one for one in dict.fromkeys([*first, *OTHERS, *refused]) if one]
        return self._pools[name]

    def _without(self, labels: Labels, reading: Reading, other: Reading) -> Labels:
        """The labels, changed in one so that the other selector does not match them."""
        if not matches(other.matchers, labels):
            return labels
        for matcher in other.matchers:
            own = [one for one in reading.matchers if one.name == matcher.name]
            if matcher in own or matcher.name == NAME:
                continue
            for value in (*self._pool(matcher.name), ""):
                if _fits(own, value) and not matcher.matches({matcher.name: value}):
                    return {**labels, matcher.name: value}
        return labels


def _fits(matchers: Sequence[Matcher], value: str) -> bool:
    return all(matcher.matches({matcher.name: value}) for matcher in matchers)
