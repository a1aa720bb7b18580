"""`kubernetes`: PrometheusRules in a namespace, for the Prometheus operator.

Source: Kubernetes API concepts (resource versions, preconditions, paging). What is created must not be there yet, what
is replaced or deleted must be as it was looked at: whatever somebody else does meanwhile is told, never overwritten.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from generator.delivery.destination import Held, Piece
from generator.delivery.kubernetes_asking import Asking
from generator.delivery.kubernetes_objects import MANAGED_BY, SET, Ownership, fresh, labels_of, replaced, says
from generator.delivery.options import Options
from generator.emit import File
from tocsin import duration
from tocsin.errors import DeliveryError, PlaceLost, UsageError
from tocsin.kubernetes.call import Thing, meta
from tocsin.kubernetes.names import LABEL, LABEL_KEY, LABEL_VALUE
from tocsin.kubernetes.reach import NoAccess, need_library, reached

CONFLICTS = 4  # so often a change is prepared anew, where only what others may change had changed
HOME = Path(".kube", "config")


class Kubernetes:
    """A destination. What was looked at last is what a change is made to."""

    def __init__(self, asking: Asking, ownership: Ownership, url: str) -> None:
        self._asking = asking
        self._ownership = ownership
        self._url = url
        self._seen: dict[str, Thing] = {}

    @property
    def where(self) -> str:
        return f"namespace {self._ownership.namespace} of the cluster at {self._url}"

    async def held(self) -> Held:
        """As `Destination.held`."""
        ours = await self._asking.list(self._ownership.selector)
        others = await self._asking.names() - ours.keys()
        pieces = [self._ownership.held(thing) for thing in ours.values()]
        self._seen = {piece.name: thing for piece, thing in zip(pieces, ours.values(), strict=True)}
        strangers = frozenset(f"{self._ownership.namespace}/{name}" for name in others)
        return Held({piece.name: piece for piece in pieces}, strangers)

    async def put(self, piece: Piece) -> None:
        """As `Destination.put`."""
        for _ in range(CONFLICTS):
            seen = self._seen.get(piece.name)
            if seen is None:
                done = await self._asking.create(fresh(piece))
            elif meta(seen, "deletionTimestamp"):
                raise DeliveryError("it is being deleted; wait until it is gone, and run it again")
            else:
                done = await self._asking.replace(replaced(seen, piece))
            if done is not None:
                self._seen[piece.name] = done
                return
            now = await self._unchanged(piece, seen)
            if now is not None and says(now, piece):
                return  # done before an answer that was lost
        raise DeliveryError("somebody else keeps changing it; nothing was written; run it again")

    async def remove(self, piece: Piece) -> None:
        """As `Destination.remove`."""
        for _ in range(CONFLICTS):
            seen = self._seen.get(piece.name)
            if seen is None or await self._asking.delete(seen):
                self._seen.pop(piece.name, None)
                return
            if await self._unchanged(piece, seen) is None:
                return
        raise DeliveryError("somebody else keeps changing it; it was not removed; run it again")

    async def finish(self) -> str:
        """As `Destination.finish`: the operator sees by itself what changes."""
        return ""

    async def _unchanged(self, piece: Piece, seen: Thing | None) -> Thing | None:
        """The object as it is now, which is looked at from now on; None where there is none.

        Raises:
            DeliveryError: it is somebody else's, or its rules are not those that were looked at.
        """
        now = await self._asking.get(piece.name.partition("/")[2])
        if now is None:
            self._seen.pop(piece.name, None)
            return None
        if not self._ownership.owns(now):
            raise DeliveryError(f"it is not ours: {_owner(now)}; it was not touched")
        known = seen is not None and meta(now, "uid") == meta(seen, "uid") and now.get("spec") == seen.get("spec")
        if not known and not says(now, piece):
            raise DeliveryError("somebody else has changed it since it was looked at; run it again")
        self._seen[piece.name] = now
        return now


def _owner(thing: Thing) -> str:
    labels = labels_of(thing)
    if labels.get(MANAGED_BY) != "tocsin":
        return f"its label {MANAGED_BY} is {labels[MANAGED_BY]!r}" if MANAGED_BY in labels else f"no {MANAGED_BY}"
    return f"it belongs to --set {labels[SET]}" if SET in labels else f"it has no label {SET}"


@dataclass(frozen=True, slots=True)
class Access:
    """How the cluster is reached; see `tocsin.kubernetes.reach.Access`."""

    kubeconfig_file: Path | None
    context: str | None
    in_cluster: bool
    timeout: timedelta


def pieces(files: Sequence[File], options: Options) -> list[Piece]:
    """Built PrometheusRules as they are to stand in the namespace.

    Raises:
        UsageError: an option, or a pack's name, cannot be used.
    """
    return _ownership(options).wanted(files)


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Kubernetes]:
    """The namespace, as long as it is needed.

    Raises:
        MissingExtra: kubernetes-asyncio is not installed.
        UsageError: an option cannot be used, or none says how to reach a cluster.
        PlaceLost: the credentials cannot be used.
    """
    need_library()
    ownership, access = _ownership(options), access_of(options, os.environ, Path.home())
    try:
        async with reached(access) as cluster:
            asking = Asking(cluster, ownership.namespace, access.timeout)
            yield Kubernetes(asking, ownership, cluster.url)
    except NoAccess as error:
        raise PlaceLost(f"{error}; see --kubeconfig and --context") from error


def access_of(options: Options, environment: Mapping[str, str], home: Path) -> Access:
    """As kubectl looks: --kubeconfig, KUBECONFIG, the one in the home folder; in a pod without one, its account.

    Raises:
        UsageError: there is no way in.
    """
    timeout = _timeout(options.timeout)
    given = options.kubeconfig or (Path(environment["KUBECONFIG"]) if environment.get("KUBECONFIG") else None)
    if given or (home / HOME).is_file():
        return Access(given or home / HOME, options.context or None, False, timeout)
    if not environment.get("KUBERNETES_SERVICE_HOST"):
        raise UsageError(f"nothing says how to reach a cluster: no KUBECONFIG and no ~/{HOME}; write --kubeconfig FILE")
    if options.context:
        raise UsageError("--context: belongs to a kubeconfig, and there is none; write --kubeconfig FILE")
    return Access(None, None, True, timeout)


def _timeout(text: str) -> timedelta:
    try:
        return duration.parse(text)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None


def _ownership(options: Options) -> Ownership:
    if not options.namespace:
        raise UsageError("--namespace: says where the PrometheusRules are; write --namespace monitoring")
    if not LABEL.fullmatch(options.namespace):
        hint = "lower-case letters, digits and '-' (RFC 1123)"
        raise UsageError(f"--namespace: {options.namespace[:80]!r} cannot be a namespace: {hint}")
    if not options.set_name:
        raise UsageError("--set: two deliveries under one name would remove each other's rules; write --set <team>")
    if not LABEL_VALUE.fullmatch(options.set_name):
        hint = "up to 63 letters, digits, '-', '_' and '.'"
        raise UsageError(f"--set: {options.set_name[:80]!r} cannot be the value of a label: {hint}")
    return Ownership(options.namespace, options.set_name, dict(_labels(options.labels or ())))


def _labels(given: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not LABEL_KEY.fullmatch(key) or not LABEL_VALUE.fullmatch(value):
            raise UsageError(f"--label: {text[:80]!r} is no label; write --label release=prometheus")
        if key in (MANAGED_BY, SET):
            raise UsageError(f"--label: {key} is what tocsin knows its own by; choose another")
        yield key, value
