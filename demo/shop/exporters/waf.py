"""What comes in from outside with bad intent: the web application firewall, fail2ban, and Falco at run time."""

from __future__ import annotations

import numpy as np

from demo.shop.series import Made, counter, gauge
from demo.shop.services import GATEWAY
from demo.shop.simulation import Stretch

USUAL_PER_SECOND = {"sqli": 0.004, "xss": 0.003, "lfi": 0.002, "rce": 0.001, "scanner": 0.03}
ATTACK_PER_SECOND = {"sqli": 0.3, "scanner": 6.0}


def firewall(stretch: Stretch) -> Made:
    """Requests that the firewall saw and blocked: somebody always tries the door."""
    attack = stretch.wrong("login-brute-force")
    yield counter("waf_requests_total", "Requests inspected.")(), stretch.poisson(stretch.requests_per_second(GATEWAY))
    blocked = counter("waf_requests_blocked_total", "Requests blocked, by category of the rule that matched.")
    for category, usual in USUAL_PER_SECOND.items():
        yield blocked(category=category), stretch.poisson(usual + ATTACK_PER_SECOND.get(category, 0.0) * attack)
    banned = gauge("f2b_jail_banned_current", "Amount of IPs currently banned in jail.")
    yield banned(jail="sshd"), np.round(6 + 2 * np.sin(stretch.times / 9_000) + 24 * attack)


def falco(stretch: Stretch) -> Made:
    """What happens in containers that should not: next to nothing. falcosidekick (2.x) counts it."""
    events = counter("falcosecurity_falcosidekick_falco_events_total", "Total events counted, by rule and priority.")
    labels = {"source": "syscall", "hostname": "node-1", "k8s_ns_name": "kube-system", "k8s_pod_name": "coredns-0"}
    rule = "Contact K8S API Server From Container"
    yield events(**labels, rule=rule, priority="Notice", priority_raw="notice"), stretch.poisson(0.001)
    warned = {**labels, "k8s_ns_name": "listen", "k8s_pod_name": "gateway"}
    yield events(**warned, rule="Terminal shell in container", priority="Warning", priority_raw="warning"), 0
