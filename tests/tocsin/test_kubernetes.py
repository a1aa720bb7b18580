"""Calls of the Kubernetes API as data: where they go, and which right they need."""

from __future__ import annotations

import re

import pytest

from tocsin.kubernetes.call import Call
from tocsin.kubernetes.names import LABEL, LABEL_KEY, LABEL_VALUE, SUBDOMAIN


@pytest.mark.parametrize(
    ("call", "method", "path", "permission"),
    [
        (Call("list", "pods", "shop"), "GET", "/api/v1/namespaces/shop/pods", "list on pods in namespace shop"),
        (Call("get", "nodes", name="n1"), "GET", "/api/v1/nodes/n1", "get on nodes"),
        (
            Call("patch", "deployments", "shop", "a", "scale"),
            "PATCH",
            "/apis/apps/v1/namespaces/shop/deployments/a/scale",
            "patch on deployments/scale (apps) in namespace shop",
        ),
        (
            Call("update", "prometheusrules", "monitoring", "node"),
            "PUT",
            "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheusrules/node",
            "update on prometheusrules (monitoring.coreos.com) in namespace monitoring",
        ),
    ],
)
def test_where_a_call_goes(call: Call, method: str, path: str, permission: str) -> None:
    """The verb is RBAC's; the method and the path follow from it."""
    assert (call.method, call.path, call.permission) == (method, path, permission)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (LABEL, ["a", "shop-1", "a" * 63], ["", "-a", "a-", "A", "a.b", "a" * 64, "a/b", "a\n"]),
        (SUBDOMAIN, ["a", "node.rules-1"], ["", ".a", "a..b", "a_b", "a/b"]),
        (LABEL_KEY, ["team", "example.org/team", "A_b.c"], ["", "/team", "example.org/", "a/b/c", "a b", "a" * 64]),
        (LABEL_VALUE, ["", "prometheus", "A_b.c-1"], ["-a", "a b", "a/b", "a" * 64]),
    ],
)
def test_names(pattern: re.Pattern[str], good: list[str], bad: list[str]) -> None:
    """Names stand in paths and selectors as they are: what could end one there is none."""
    assert [text for text in good if not pattern.fullmatch(text)] == []
    assert [text for text in bad if pattern.fullmatch(text)] == []
