"""Edges found out from Prometheus: service-graph metrics, any metric with a pair of labels, pods on nodes.

Sources: grafana.com/docs/tempo (service graphs; OpenTelemetry's servicegraph connector writes the same names),
istio.io (reference/config/metrics), linkerd.io (reference/proxy-metrics).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from receiver.topology.asking import Asked
from receiver.topology.edge import Found
from tocsin import duration
from tocsin.errors import TocsinError

Labels = Mapping[str, str]
NOBODY = frozenset({"", "unknown"})  # what meshes call a peer that they do not know


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked at: `matchers` as in PromQL, without braces."""

    matchers: str = ""
    since: timedelta = timedelta(hours=1)

    def selector(self, metric: str, more: str = "") -> str:
        inner = ", ".join(part for part in (self.matchers, more) if part)
        return f"{metric}{{{inner}}}" if inner else metric

    @property
    def window(self) -> str:
        return f"[{duration.show(self.since)}]"

    @property
    def where(self) -> str:
        """The matchers in words, for messages."""
        return f" where {self.matchers}" if self.matchers else ""


@dataclass(frozen=True, slots=True)
class GraphMetric:
    """A counter whose labels name both ends of an edge; `beside` are labels that `counts` looks at, too."""

    metric: str
    caller: str
    dependency: str
    more: str = ""
    beside: tuple[str, ...] = ()
    counts: Callable[[Labels], bool] = lambda labels: True


def _known_client(labels: Labels) -> bool:
    """Tempo calls whoever asks without a trace of its own `user`."""
    return not (labels.get("connection_type") == "virtual_node" and labels.get("client") == "user")


GRAPH_METRICS = (
    GraphMetric(
        "traces_service_graph_request_total", "client", "server", beside=("connection_type",), counts=_known_client
    ),
    GraphMetric(
        "istio_requests_total", "source_canonical_service", "destination_canonical_service", beside=("reporter",)
    ),
    GraphMetric("response_total", "deployment", "dst_deployment", more='direction="outbound"'),
)


async def service_graph(asked: Asked, wanted: Wanted) -> list[Found]:
    """Edges that tracing and meshes know.

    Raises:
        QueryError: the server does not answer, or refuses.
        TocsinError: it has none of the metrics.
    """
    found = [edge for source in GRAPH_METRICS for edge in await _of_metric(asked, wanted, source)]
    if not found:
        known = ", ".join(source.metric for source in GRAPH_METRICS)
        raise TocsinError(
            f"{asked.url} has no traffic between two services in {known} within {duration.show(wanted.since)}"
            f"{wanted.where}; try a longer --since, or name a metric of yours: "
            "--from labels --match METRIC --caller LABEL --dependency LABEL"
        )
    return found


async def _of_metric(asked: Asked, wanted: Wanted, source: GraphMetric) -> list[Found]:
    by = ", ".join((source.caller, source.dependency, *source.beside))
    increase = f"sum by ({by}) (increase({wanted.selector(source.metric, source.more)}{wanted.window}))"
    rows = [(labels, value) for labels, value in await asked.vector(increase) if source.counts(labels)]
    return list(_rates(rows, source.caller, source.dependency, source.metric, wanted.since))


def _rates(
    rows: Iterable[tuple[Labels, float]], caller: str, dependency: str, source: str, since: timedelta
) -> Iterator[Found]:
    """The edges with traffic, by pair; two reports of the same requests count once."""
    most: dict[tuple[str, str], float] = {}
    for labels, value in rows:
        pair = labels.get(caller, ""), labels.get(dependency, "")
        if value > 0 and not NOBODY & {*pair} and pair[0] != pair[1]:
            most[pair] = max(most.get(pair, 0.0), value)
    for (one, other), value in most.items():
        yield Found(one, other, source, f"{value / since.total_seconds():.2g}/s")


async def label_pair(asked: Asked, wanted: Wanted, metric: str, caller: str, dependency: str) -> list[Found]:
    """Edges by two labels of a metric; `metric` is a selector, and what is no counter is counted in series.

    Raises:
        QueryError: the server does not answer, or refuses.
        TocsinError: there are no such series, or they have no such labels.
    """
    name = metric.partition("{")[0].strip() or metric
    if name.endswith(("_total", "_count")):
        increase = f"sum by ({caller}, {dependency}) (increase({metric}{wanted.window}))"
        found = list(_rates(await asked.vector(increase), caller, dependency, name, wanted.since))
    else:
        number = f"count by ({caller}, {dependency}) (last_over_time({metric}{wanted.window}))"
        found = [
            Found(labels[caller], labels[dependency], name, _plural(round(value), "series", "series"))
            for labels, value in await asked.vector(number)
            if labels.get(caller) and labels.get(dependency) and labels[caller] != labels[dependency]
        ]
    if not found:
        raise TocsinError(await _why_nothing(asked, wanted, metric, caller, dependency))
    return found


async def _why_nothing(asked: Asked, wanted: Wanted, metric: str, caller: str, dependency: str) -> str:
    since = duration.show(wanted.since)
    labels = [label for label in await asked.labels(metric, wanted.since.total_seconds()) if label != "__name__"]
    if not labels:
        return f"{asked.url} has no series {metric} within {since}; check the name, or try a longer --since"
    missing = [label for label in (caller, dependency) if label not in labels]
    if missing:
        return f"{metric} has no label {' and no label '.join(missing)}; its labels: {', '.join(labels)}"
    return (
        f"{metric} tells of no traffic from one {caller} to another {dependency} within {since}; try a longer --since"
    )


async def kubernetes(asked: Asked, wanted: Wanted) -> list[Found]:
    """What runs on which node: workloads, as kube-state-metrics knows them, depend on the nodes of their pods.

    DaemonSets run everywhere and jobs come and go: neither tells anything, and both are left out.

    Raises:
        QueryError: the server does not answer, or refuses.
        TocsinError: it has no such metrics.
    """
    pods = await _group(asked, wanted, "kube_pod_info", ("namespace", "pod", "node"))
    owners = await _group(asked, wanted, "kube_pod_owner", ("namespace", "pod", "owner_kind", "owner_name"))
    sets = await _group(asked, wanted, "kube_replicaset_owner", ("namespace", "replicaset", "owner_kind", "owner_name"))
    if not pods or not owners:
        missing = "kube_pod_owner" if pods else "kube_pod_info"
        raise TocsinError(
            f"{asked.url} has no {missing} within {duration.show(wanted.since)}"
            f"{wanted.where}; it comes from kube-state-metrics: is that scraped?"
        )
    return placements(pods, owners, sets)


def placements(pods: Sequence[Labels], owners: Sequence[Labels], sets: Sequence[Labels]) -> list[Found]:
    """Each workload and node, with how many of its pods run there."""
    deployments = {
        (one.get("namespace", ""), one.get("replicaset", "")): one["owner_name"]
        for one in sets
        if one.get("owner_kind") == "Deployment"
    }
    workloads: dict[tuple[str, str], str] = {}
    for one in owners:
        place, name = one.get("namespace", ""), one.get("owner_name", "")
        if one.get("owner_kind") == "ReplicaSet":
            workloads[place, one.get("pod", "")] = deployments.get((place, name), name)
        elif one.get("owner_kind") == "StatefulSet":
            workloads[place, one.get("pod", "")] = name
    counted: dict[tuple[str, str], int] = {}
    for one in pods:
        workload = workloads.get((one.get("namespace", ""), one.get("pod", "")))
        if workload and one.get("node"):
            counted[workload, one["node"]] = counted.get((workload, one["node"]), 0) + 1
    return [Found(name, node, "kube_pod_info", _plural(pods, "pod", "pods")) for (name, node), pods in counted.items()]


async def _group(asked: Asked, wanted: Wanted, metric: str, by: Sequence[str]) -> list[Labels]:
    expr = f"group by ({', '.join(by)}) (last_over_time({wanted.selector(metric)}{wanted.window}))"
    return [labels for labels, _ in await asked.vector(expr)]


def _plural(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
