"""The cluster: kube-state-metrics (2.x), the kubelets with their containers, the API server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from demo.shop.exporters.jvm import leaked
from demo.shop.exporters.node import GIB, NODES, Node, var_use
from demo.shop.rhythm import DAY_SECONDS, Floats
from demo.shop.series import Made, counter, gauge, histogram, lognormal
from demo.shop.services import CATALOGUE, GATEWAY, PAYMENTS, PLAYER_EU, PLAYER_US, RECOMMENDER, Service
from demo.shop.simulation import Stretch

MIB = 2.0**20
NAMESPACE = "listen"


@dataclass(frozen=True, slots=True)
class Workload:
    """One deployment with one pod."""

    name: str
    service: Service
    node: str
    cores: float  # used when the shop is as busy as on average
    memory_limit: float
    memory_use: float  # share of the limit

    @property
    def pod(self) -> str:
        return f"{self.name}-7d9c5b6f8-{self.name[0]}x2k{len(self.name)}"

    @property
    def place(self) -> Mapping[str, str]:
        return {"namespace": NAMESPACE, "pod": self.pod, "container": self.name}


WORKLOADS = (
    Workload("gateway", GATEWAY, "node-1", 0.25, 512 * MIB, 0.42),
    Workload("catalogue", CATALOGUE, "node-1", 0.18, 512 * MIB, 0.50),
    Workload("player-eu", PLAYER_EU, "node-2", 0.30, 768 * MIB, 0.45),
    Workload("player-us", PLAYER_US, "node-2", 0.22, 768 * MIB, 0.41),
    Workload("recommender", RECOMMENDER, "node-3", 0.20, 2 * GIB, 0.55),
    Workload("payments", PAYMENTS, "node-3", 0.12, 1 * GIB, 0.0),
)
CORES_LIMIT = 2.0
VOLUMES = (("data-database-0", "node-3", 0.46), ("data-kafka-0", "node-2", 0.38))
VOLUME_BYTES, VOLUME_FILES = 100 * GIB, 6_553_600.0


def memory_bytes(workload: Workload, stretch: Stretch) -> Floats:
    """A container's working set; that of payments is its heap, and what the virtual machine needs beside."""
    if workload.service is PAYMENTS:
        share = 0.27 + 0.75 * leaked(stretch)
    else:
        share = workload.memory_use * (0.97 + 0.03 * stretch.busy)
    used: Floats = np.minimum(stretch.noisy(share, 0.004), 0.999) * workload.memory_limit
    return used


def state(stretch: Stretch) -> Made:
    """kube-state-metrics: what was wanted, and what there is. It stays as it is as long as nothing is wrong."""
    for workload in WORKLOADS:
        yield from _deployment(workload)
        yield from _pod(workload)
    for node in NODES:
        yield from _node(node)
    for name, _, _ in VOLUMES:
        phase = gauge("kube_persistentvolumeclaim_status_phase", "The phase the persistent volume claim is in.")
        for each in ("Bound", "Lost", "Pending"):
            yield phase(namespace=NAMESPACE, persistentvolumeclaim=name, phase=each), float(each == "Bound")
    scaler = {"namespace": NAMESPACE, "horizontalpodautoscaler": "gateway"}
    for name, about, value in (
        ("spec_max_replicas", "Upper limit for the number of pods.", 4),
        ("spec_min_replicas", "Lower limit for the number of pods.", 1),
        ("status_desired_replicas", "Desired number of replicas of pods.", 1),
        ("status_current_replicas", "Current number of replicas of pods.", 1),
    ):
        yield gauge(f"kube_horizontalpodautoscaler_{name}", about)(**scaler), value
    # Nightly, at three.
    suspended = gauge(
        "kube_cronjob_spec_suspend", "Suspend flag tells the controller to suspend subsequent executions."
    )
    yield suspended(namespace=NAMESPACE, cronjob="train-recommendations"), 0
    next_ = gauge("kube_cronjob_next_schedule_time", "Next time the cronjob should be scheduled.")
    at = 3 * 3600.0
    upcoming = np.ceil((stretch.times - at + 1) / DAY_SECONDS) * DAY_SECONDS + at
    yield next_(namespace=NAMESPACE, cronjob="train-recommendations"), upcoming


def _deployment(workload: Workload) -> Made:
    place = {"namespace": NAMESPACE, "deployment": workload.name}
    for name, about in (
        ("spec_replicas", "Number of desired pods for a deployment."),
        ("status_replicas_available", "The number of available replicas per deployment."),
        ("status_replicas_updated", "The number of updated replicas per deployment."),
    ):
        yield gauge(f"kube_deployment_{name}", about)(**place), 1
    condition = gauge("kube_deployment_status_condition", "The current status conditions of a deployment.")
    for kind in ("Available", "Progressing"):
        yield condition(**place, condition=kind, status="true"), 1


def _pod(workload: Workload) -> Made:
    restarts = counter("kube_pod_container_status_restarts_total", "The number of container restarts per container.")
    yield restarts(**workload.place), 0
    phase = gauge("kube_pod_status_phase", "The pods current phase.")
    yield phase(namespace=NAMESPACE, pod=workload.pod, phase="Running"), 1
    limits = gauge("kube_pod_container_resource_limits", "The number of requested limit resource by a container.")
    requests = gauge("kube_pod_container_resource_requests", "The number of requested request resource by a container.")
    for resource, unit, limit in (("memory", "byte", workload.memory_limit), ("cpu", "core", CORES_LIMIT)):
        labels = {**workload.place, "node": workload.node, "resource": resource, "unit": unit}
        yield limits(**labels), limit
        yield requests(**labels), limit / 2 if resource == "memory" else 0.25


def _node(node: Node) -> Made:
    condition = gauge("kube_node_status_condition", "The condition of a cluster node.")
    for kind, well in (("Ready", "true"), ("MemoryPressure", "false"), ("DiskPressure", "false")):
        for status in ("true", "false", "unknown"):
            yield condition(node=node.name, condition=kind, status=status), float(status == well)
    unschedulable = gauge("kube_node_spec_unschedulable", "Whether a node can schedule new pods.")
    yield unschedulable(node=node.name), 0
    allocatable = gauge("kube_node_status_allocatable", "The allocatable for different resources of a node.")
    for resource, unit, amount in (("cpu", "core", 2), ("memory", "byte", 8 * GIB), ("pods", "integer", 110)):
        yield allocatable(node=node.name, resource=resource, unit=unit), amount


def kubelet(node: Node, stretch: Stretch) -> Made:
    """A kubelet: the containers that run on its node (/metrics/cadvisor), its volumes, and itself."""
    for workload in WORKLOADS:
        if workload.node == node.name:
            yield from _container(workload, stretch)
    for name, where, share in VOLUMES:
        if where == node.name:
            yield from _volume(name, share, stretch)
    relist = histogram("kubelet_pleg_relist_duration_seconds", "Duration in seconds for relisting pods in PLEG.")
    yield from lognormal(relist, stretch.rng, stretch.seconds, 0.012, spread=0.5, edges=(0.5, 5.0))


def _container(workload: Workload, stretch: Stretch) -> Made:
    used = memory_bytes(workload, stretch)
    working = gauge("container_memory_working_set_bytes", "Current working set of the container in bytes.")
    yield working(**workload.place), np.round(used)
    wanted = stretch.requests_per_second(workload.service) / workload.service.requests_per_second
    cores = np.minimum(stretch.noisy(workload.cores * (0.2 + 0.8 * wanted), 0.03), CORES_LIMIT)
    seconds = counter("container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.")
    yield seconds(**workload.place, cpu="total"), np.round(cores * stretch.seconds, 3)


def kubelet_still(node: Node, stretch: Stretch) -> Made:
    """Limits of its containers, sizes of its volumes."""
    yield (
        gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox.")(),
        float(sum(workload.node == node.name for workload in WORKLOADS) + 3),
    )
    limit = gauge("container_spec_memory_limit_bytes", "Memory limit for the container.")
    for workload in WORKLOADS:
        if workload.node == node.name:
            yield limit(**workload.place), workload.memory_limit
    for name, where, _ in VOLUMES:
        if where == node.name:
            place = {"namespace": NAMESPACE, "persistentvolumeclaim": name}
            yield gauge("kubelet_volume_stats_capacity_bytes", "Capacity in bytes of the volume")(**place), VOLUME_BYTES
            free = gauge("kubelet_volume_stats_inodes_free", "Number of free inodes in the volume")
            yield free(**place), VOLUME_FILES * 0.97
            yield gauge("kubelet_volume_stats_inodes", "Maximum number of inodes in the volume")(**place), VOLUME_FILES


def _volume(name: str, share: float, stretch: Stretch) -> Made:
    place = {"namespace": NAMESPACE, "persistentvolumeclaim": name}
    use = share + 0.015 * np.sin(stretch.times / DAY_SECONDS)
    if name == "data-kafka-0":  # it lies on /var of node-2
        use = use + 0.5 * (var_use(NODES[1], stretch) - NODES[1].var - 0.04) * stretch.wrong("disk-filling")
    free = gauge("kubelet_volume_stats_available_bytes", "Number of available bytes in the volume")
    yield free(**place), np.round(VOLUME_BYTES * (1 - use))


def apiserver(stretch: Stretch) -> Made:
    """The API server."""
    requests = counter("apiserver_request_total", "Counter of apiserver requests, by verb, resource and code.")
    labels = {"group": "", "version": "v1", "resource": "pods", "scope": "namespace", "component": "apiserver"}
    for verb, code, per_second in (
        ("GET", "200", 12.0), ("LIST", "200", 3.0), ("PATCH", "200", 2.0), ("GET", "404", 0.2), ("GET", "500", 2e-5),
        ("GET", "403", 0.005),
    ):  # fmt: skip
        yield requests(**labels, verb=verb, code=code), stretch.poisson(per_second)
    took = histogram("apiserver_request_duration_seconds", "Response latency distribution in seconds.")
    yield from lognormal(
        took,
        stretch.rng,
        12 * stretch.seconds,
        0.006,
        spread=0.8,
        edges=(0.05, 0.1, 0.4, 1.0),
        labels={**labels, "verb": "GET"},
    )
    audit = counter("apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend.")
    yield audit(), stretch.poisson(17.0)
    gone = gauge("aggregator_unavailable_apiservice", "Gauge of APIServices which are marked as unavailable.")
    yield gone(name="v1beta1.metrics.k8s.io"), 0
