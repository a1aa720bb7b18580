"""Does steps of kind `kubernetes`: looks, sends one change, and makes sure what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from receiver.engine.runs_planned import Action
from receiver.remediate.kubernetes.deed import Deed
from receiver.remediate.kubernetes.deeds import ON_NODES, deed_of, restoring
from receiver.remediate.kubernetes.patience import Patience, RealPatience
from receiver.remediate.kubernetes.reading import read
from receiver.remediate.kubernetes.sending import Sending
from receiver.remediate.output import bounded
from receiver.remediate.step import About, CannotBegin, Done, NotNow
from receiver.remediate.steps.kubernetes import KubernetesEdge
from tocsin.clock import Clock
from tocsin.kubernetes.reach import Cluster, NoAccess, NoAnswer, NotReached, need_library, reached
from tocsin.kubernetes.refusal import Refused
from tocsin.masking import masked

SPARED = 0.05  # of a step's time, which is not used: whoever counts it must not be the first to end it


class KubernetesDoer:
    """Knows the clusters by name. Credentials are read for each step, and not kept."""

    def __init__(self, clusters: Mapping[str, KubernetesEdge], clock: Clock, patience: Patience | None = None) -> None:
        """Raises:
        MissingExtra: kubernetes-asyncio is not installed.
        """
        if clusters:
            need_library()
        self._clusters = clusters
        self._clock = clock
        self._patience = patience or RealPatience()

    async def look(self, action: Action, about: About) -> Mapping[str, str]:
        """As `Doer.look`. Before `restore` there is nothing to see: it knows what was seen before its step."""
        arguments = action.arguments
        name, edge = self._cluster(action)
        known = {key: str(arguments[key]) for key in ("action", "kind", "namespace", "object") if key in arguments}
        if arguments["action"] == "restore":
            return known | {"cluster": name}
        deed = deed_of(arguments)
        async with _opened(edge) as cluster:
            try:
                found = await read(cluster, deed, edge.timeout.total_seconds())
            except NotReached as error:
                raise (CannotBegin if error.lasting else NotNow)(str(error)) from error
            except NoAnswer as error:
                raise NotNow(str(error)) from error
            except Refused as error:
                raise (NotNow if error.passing else CannotBegin)(str(error)) from error
        return {**known, "cluster": name, **deed.seen(found)}

    async def do(self, action: Action, before: Mapping[str, str], about: About) -> Done:
        """As `Doer.do`."""
        try:
            name, edge = self._cluster(action)
            restores = action.arguments["action"] == "restore"
            if before.get("cluster", name) != name:
                raise CannotBegin(f"the step was in cluster {before['cluster']}, and this is {name}")
            if "uid" not in before:
                raise CannotBegin("how it was before is not known")
            deed = restoring(action.arguments, before) if restores else deed_of(action.arguments)
            async with self._sending(action, edge, deed, before, about) as sending:
                done = await sending.done()
                return Done(done.outcome, _told(done.output), _told(done.reason))
        except CannotBegin as error:
            return Done("failed", reason=f"{error}; nothing was done")

    @asynccontextmanager
    async def _sending(
        self, action: Action, edge: KubernetesEdge, deed: Deed, before: Mapping[str, str], about: About
    ) -> AsyncIterator[Sending]:
        until = self._patience.seconds() + action.timeout.total_seconds() * (1 - SPARED)
        wait_ready = bool(action.arguments.get("wait_ready"))
        async with _opened(edge) as cluster:
            yield Sending(
                cluster=cluster,
                deed=deed,
                before=before,
                about=about,
                now=self._clock.now(),
                patience=self._patience,
                request_seconds=edge.timeout.total_seconds(),
                until=until,
                wait_ready=wait_ready,
            )

    async def close(self) -> None:
        """Nothing is kept."""

    def _cluster(self, action: Action) -> tuple[str, KubernetesEdge]:
        """The cluster, where the action is allowed in it."""
        arguments = action.arguments
        name = arguments.get("cluster") or (next(iter(self._clusters)) if len(self._clusters) == 1 else "")
        edge = self._clusters.get(name)
        if edge is None:
            known = ", ".join(sorted(self._clusters)) or "none"
            raise CannotBegin(f"there is no cluster {name!r}; name one of remediation.kubernetes: {known}")
        namespace = arguments["namespace"]
        if namespace and namespace not in edge.namespaces:
            raise CannotBegin(f"namespace {namespace} is not in remediation.kubernetes.{name}.namespaces")
        if not namespace and not edge.nodes:
            what = "nodes" if arguments["action"] in ON_NODES else "what is in no namespace"
            raise CannotBegin(f"{what} may not be changed: remediation.kubernetes.{name}.nodes is false")
        return name, edge


@asynccontextmanager
async def _opened(edge: KubernetesEdge) -> AsyncIterator[Cluster]:
    """The cluster; without credentials no step begins."""
    try:
        async with reached(edge) as cluster:
            yield cluster
    except NoAccess as error:
        raise CannotBegin(str(error)) from error


def _told(text: str) -> str:
    """Conditions of an object are other people's words, too."""
    return bounded(masked(text))
