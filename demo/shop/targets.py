"""Everything of the shop that Prometheus scrapes, as data; demo/config/prometheus.yml says the same to Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from demo.shop.exporters import (
    audio,
    auth,
    blackbox,
    business,
    cert_manager,
    gpu,
    http,
    ingress,
    jvm,
    kafka,
    kube,
    ml,
    mysql,
    node,
    postgres,
    rabbitmq,
    redis,
    waf,
)
from demo.shop.series import Family, Made
from demo.shop.services import CATALOGUE, GATEWAY, PAYMENTS, PLAYER_EU, PLAYER_US, RECOMMENDER, Service
from demo.shop.simulation import Stretch

PORT = 8000
EVERYWHERE = {"cluster": "demo", "tenant": "listen"}

# Seconds between two samples in the past: of what the stories read, of exporters, of what stays as it is.
STEPS = OFTEN, USUAL, SELDOM = 30, 60, 240
# Of what exporters told more than so long ago there is every other sample: promtool takes 3 µs for each.
RECENT_SECONDS = 2 * 86_400

Make = Callable[[Stretch], Made]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a target's series, and how often the past has them: all of them, but for some families."""

    make: Make
    step: int = USUAL
    usual: frozenset[Family] = frozenset()  # these families as often as USUAL


@dataclass(frozen=True, slots=True)
class Target:
    """One page of metrics."""

    job: str
    instance: str
    page: str
    parts: tuple[Part, ...]
    service: str = ""
    region: str = ""
    dies_of: str = ""  # the fault in which it can still be scraped, and tells nothing

    @property
    def labels(self) -> dict[str, str]:
        """What Prometheus adds to its series when it scrapes it."""
        own = {"job": self.job, "service": self.service, "instance": self.instance, "region": self.region}
        return {name: value for name, value in own.items() if value} | EVERYWHERE


def _parts(moving: Make, still: Make) -> tuple[Part, ...]:
    return Part(moving), Part(still, SELDOM)


def _service(service: Service, *parts: Part, dies_of: str = "") -> Target:
    page = service.instance.removesuffix("-1")
    told_usually = frozenset() if service.name == "player" else frozenset({http.DURATION})
    own = Part(partial(http.requests, service), OFTEN, told_usually)
    return Target("shop", service.instance, page, (own, *parts), service.name, service.region, dies_of)


def _player(service: Service) -> Target:
    return _service(service, Part(partial(audio.playing, service)), Part(partial(audio.decoding, service)))


TARGETS = (
    _service(GATEWAY, Part(business.signups)),
    _service(CATALOGUE),
    _player(PLAYER_EU),
    _player(PLAYER_US),
    _service(RECOMMENDER, Part(ml.serving), Part(ml.quality), dies_of="silent-death"),
    _service(PAYMENTS, Part(business.payments), *_parts(jvm.moving, jvm.still)),
    *(
        Target("node", one.name, one.name, _parts(partial(node.moving, one), partial(node.still, one)))
        for one in node.NODES
    ),
    Target("kube-state-metrics", "kube-state-metrics-1", "kube-state-metrics", (Part(kube.state, SELDOM),)),
    *(
        Target(
            "kubelet",
            one.name,
            f"kubelet-{one.number}",
            _parts(partial(kube.kubelet, one), partial(kube.kubelet_still, one)),
        )
        for one in node.NODES
    ),
    Target("apiserver", "apiserver-1", "apiserver", (Part(kube.apiserver),)),
    Target("postgres", "database-1", "database", _parts(postgres.moving, postgres.still), "database"),
    Target("redis", "cache-1", "cache", _parts(redis.moving, redis.still), "cache"),
    Target("mysql", "billing-1", "billing", _parts(mysql.moving, mysql.still), "billing"),
    Target("kafka", "events-1", "events", _parts(kafka.moving, kafka.still), "events"),
    Target("rabbitmq", "queue-1", "queue", _parts(rabbitmq.moving, rabbitmq.still), "queue"),
    *(
        Target("blackbox", address, f"probe-{name}", _parts(blackbox.probe, blackbox.still))
        for name, address in blackbox.ADDRESSES.items()
    ),
    Target("nginx", "ingress-1", "ingress", _parts(ingress.moving, ingress.still)),
    Target("keycloak", "auth-1", "auth", _parts(auth.moving, auth.still), "auth"),
    Target("waf", "waf-1", "waf", (Part(waf.firewall),)),
    Target("falco", "falco-1", "falco", (Part(waf.falco),)),
    Target("vllm", "assistant-1", "assistant", (Part(gpu.vllm),), "assistant"),
    Target("dcgm", "gpu-1", "gpu", (Part(gpu.card),)),
    Target("cert-manager", "cert-manager-1", "cert-manager", (Part(cert_manager.certificates, SELDOM),)),
)

# What else the demo's Prometheus scrapes: of them the past knows only that they were up. (job, instance)
BESIDE = (
    ("prometheus", "prometheus-1"),
    ("alertmanager", "alertmanager-1"),
    ("tocsin-exporter", "exporter-1"),
    ("tocsin-scores", "exporter-1"),
    ("tocsin-receiver", "receiver-1"),
)
