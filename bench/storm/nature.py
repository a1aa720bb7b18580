"""What a world is like: its size, how far and how fast faults travel, what its alerts are called and how labelled.

One world is fixed (`PLAIN`); others are drawn from wide ranges, so that no constant can be fitted to one of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

WorldKind = Literal["drawn", "plain"]

SYMPTOMS = (
    *("HighErrorRate", "HighLatency", "ErrorBudgetBurn", "RequestsFailing", "SlowRequests", "TimeoutsRising"),
    *("LatencyObjectiveMissed", "ApdexLow", "CheckoutsDropping", "RetriesRising"),
)
STORE_CAUSES = (
    *("DatabaseDown", "ReplicationLag", "ConnectionsExhausted", "DeadlocksRising", "MemoryEvictions"),
    *("PrimarySwitched", "SlowQueries", "VolumeReadOnly"),
)
SERVICE_CAUSES = (
    *("ServiceDown", "CrashLooping", "DeploymentFailed", "QueueBacklog", "ThreadPoolFull", "OutOfMemory"),
    *("ConfigurationRejected", "HeapExhausted", "ProbeFailed"),
)
NODE_CAUSES = ("NodeDown", "NodeDiskFull", "NodeMemoryPressure", "NodeNotReady", "KernelDeadlock", "NodeClockSkew")
POD_NAMES = ("PodNotReady", "KubePodNotReady", "TargetDown", "ContainerRestarting")
NOISE = (
    *("CertificateExpiring", "DiskFillingUp", "CronJobLate", "CpuThrottled", "BackupOld", "QuotaNearlyUsed"),
    *("ScrapeSlow", "VersionMismatch", "ReplicasMismatch"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """What alerts are called, by their part in a fault. Some of them come alone, too: as noise."""

    symptoms: tuple[str, ...] = SYMPTOMS[:2]
    store_causes: tuple[str, ...] = STORE_CAUSES[:3]
    service_causes: tuple[str, ...] = (*SERVICE_CAUSES[:3], "HighErrorRate", "QueueBacklog")
    node_causes: tuple[str, ...] = NODE_CAUSES[:3]
    pod: str = POD_NAMES[0]
    noise: tuple[str, ...] = (*NOISE[:4], "HighLatency", "HighErrorRate")

    def all(self) -> Sequence[str]:
        """Every name once, sorted."""
        lists = (self.symptoms, self.store_causes, self.service_causes, self.node_causes, self.noise)
        return sorted({name for names in lists for name in names} | {self.pod})

    def renamed(self, by: dict[str, str]) -> Names:
        """The same parts under other names."""

        def of(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(by[name] for name in names)

        causes = of(self.store_causes), of(self.service_causes), of(self.node_causes)
        return Names(of(self.symptoms), *causes, by[self.pod], of(self.noise))


@dataclass(frozen=True, slots=True)
class Nature:
    """One kind of world. Lags are seconds; rates are per hour; the rest are shares between 0 and 1 or counts."""

    services: int = 40
    nodes: int = 12
    depth: int = 5
    fan_out: int = 2  # dependencies beyond the first, at most
    most_pods: int = 3
    coupling: tuple[float, float] = (0.4, 0.95)  # how likely a fault travels along an edge: lowest, highest
    lag_median: float = 20.0
    lag_spread: float = 0.5  # between edges; of the logarithm
    lag_jitter: float = 0.4  # between faults on one edge; of the logarithm
    faults: float = 6.0
    noise: float = 12.0
    node_share: float = 0.25  # of the faults
    own_symptoms: float = 0.6  # how often the faulty service shows symptoms beside the cause
    tellings: float = 0.7  # how likely each symptom's alert fires where a fault arrives
    node_pods: float = 0.8  # how many pods of a failed node are missed
    label: str = "service"
    namespaces: bool = True  # alerts of services carry the label
    by_pod: bool = False  # services' symptoms fire for each pod, with its label
    with_node: bool = False  # ... and its node
    pod_has_node: bool = True  # the alert of a pod carries its node
    names: Names = field(default_factory=Names)


PLAIN = Nature()


def drawn(rng: random.Random) -> Nature:
    """A world of its own. Nodes fail only where alerts tell of nodes: nobody could know otherwise."""
    services = round(_log_uniform(rng, 15, 120))
    low = rng.uniform(0.25, 0.7)
    by_pod = rng.random() < 0.2
    pod_has_node = rng.random() < 0.9
    return Nature(
        services=services,
        nodes=max(3, round(services * rng.uniform(0.15, 0.6))),
        depth=rng.randint(3, 7),
        fan_out=rng.randint(1, 3),
        most_pods=rng.randint(1, 5),
        coupling=(low, rng.uniform(max(low, 0.6), 0.98)),
        lag_median=_log_uniform(rng, 6.0, 60.0),
        lag_spread=rng.uniform(0.2, 0.7),
        lag_jitter=rng.uniform(0.15, 0.5),
        faults=_log_uniform(rng, 2.0, 10.0),
        noise=_log_uniform(rng, 3.0, 30.0),
        node_share=rng.uniform(0.0, 0.5) if pod_has_node else 0.0,
        own_symptoms=rng.uniform(0.3, 0.9),
        tellings=rng.uniform(0.5, 0.95),
        node_pods=rng.uniform(0.6, 1.0),
        label=rng.choice(("service", "service", "app", "job", "component")),
        namespaces=rng.random() < 0.8,
        by_pod=by_pod,
        with_node=by_pod and rng.random() < 0.5,
        pod_has_node=pod_has_node,
        names=_names(rng),
    )


def crowded(nature: Nature, *, noise: float) -> Nature:
    """The same world with so many times its noise."""
    return replace(nature, noise=nature.noise * noise)


def _names(rng: random.Random) -> Names:
    """Names from the lists; sometimes words that mean nothing, so that none can be known beforehand."""
    symptoms = tuple(rng.sample(SYMPTOMS, rng.randint(2, 4)))
    services = tuple(rng.sample(SERVICE_CAUSES, rng.randint(3, 6)))
    names = Names(
        symptoms=symptoms,
        store_causes=tuple(rng.sample(STORE_CAUSES, rng.randint(2, 5))),
        service_causes=(*services, *rng.sample(symptoms, rng.randint(0, 1))),
        node_causes=tuple(rng.sample(NODE_CAUSES, rng.randint(1, 4))),
        pod=rng.choice(POD_NAMES),
        noise=(*rng.sample(NOISE, rng.randint(2, 6)), *rng.sample((*symptoms, *services), rng.randint(0, 3))),
    )
    if rng.random() < 0.3:
        numbers = rng.sample(range(100, 1000), len(names.all()))
        names = names.renamed({name: f"Alert{number}" for name, number in zip(names.all(), numbers, strict=True)})
    return names


def _log_uniform(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
