"""`tocsin topology discover` and `check` against a real Prometheus, and against what is none."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from receiver.topology_commands import topology
from tests import real
from tests.exporter.test_end_to_end import eventually, free_port, get, running
from tocsin.errors import TocsinError

MINUTES = 50
ISTIO = 'source_canonical_service="{}",destination_canonical_service="{}"'
SERIES = {  # and the increase a minute; None: always 1
    'traces_service_graph_request_total{client="web",server="cart",connection_type=""}': 120,
    'traces_service_graph_request_total{client="web",server="web",connection_type=""}': 5,
    'traces_service_graph_request_total{client="user",server="web",connection_type="virtual_node"}': 60,
    'traces_service_graph_request_total{client="cart",server="redis",connection_type="database"}': 6,
    'traces_service_graph_request_total{client="old",server="gone",connection_type=""}': 0,
    f'istio_requests_total{{{ISTIO.format("cart", "mail")},reporter="source"}}': 60,
    f'istio_requests_total{{{ISTIO.format("cart", "mail")},reporter="destination"}}': 60,
    f'istio_requests_total{{{ISTIO.format("unknown", "cart")},reporter="destination"}}': 9,
    'response_total{direction="outbound",deployment="mail",dst_deployment="smtp",region="eu"}': 30,
    'response_total{direction="inbound",deployment="smtp"}': 30,
    'calls_total{app="shop",target="stock",region="eu"}': 12,
    'pool_size{app="shop",target="db"}': None,
    'kube_pod_info{namespace="n",pod="web-1",node="a"}': None,
    'kube_pod_owner{namespace="n",pod="web-1",owner_kind="ReplicaSet",owner_name="web-5d"}': None,
    'kube_replicaset_owner{namespace="n",replicaset="web-5d",owner_kind="Deployment",owner_name="web"}': None,
    'ALERTS{alertname="HighErrorRate",alertstate="firing",service="cart"}': None,
    'ALERTS{alertname="HighErrorRate",alertstate="pending",service="nearly"}': None,
    'ALERTS{alertname="NodeDown",alertstate="firing",node="a"}': None,
}


def write_samples(folder: Path, promtool: Path) -> None:
    """Fifty minutes of every series, up to now."""
    end = int(time.time()) // 60 * 60
    lines = []
    for series, rate in SERIES.items():
        for minute in range(MINUTES):
            when = end - (MINUTES - 1 - minute) * 60
            lines.append(f"{series} {1 if rate is None else rate * minute} {when}")
    source = folder / "samples.om"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    command: list[str | Path] = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
    subprocess.run([*command, source, folder / "data"], check=True, capture_output=True)


@pytest.fixture(scope="module", params=real.FOLDERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that has SERIES, of each pair."""
    pair, folder, port = real.pair(request.param), tmp_path_factory.mktemp("prometheus"), free_port()
    write_samples(folder, pair.promtool)
    (folder / "prometheus.yml").write_text("{}")
    command = [pair.prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=30d"]
    with running(folder, "prometheus", *command):
        eventually("Prometheus", lambda: "Ready" in get(port, "/-/ready"))
        yield f"http://127.0.0.1:{port}"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(topology, [str(one) for one in arguments])


def edges(server: str, *arguments: object) -> list[tuple[str, str, str, str]]:
    result = run("discover", "--prometheus.url", server, "--format", "json", *arguments)
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)["edges"]
    return [(one["caller"], one["dependency"], one["source"], one["traffic"]) for one in found]


LABELS = ("--from", "labels", "--caller", "app", "--dependency", "target", "--match")


@pytest.mark.slow(seconds=20)
@pytest.mark.real
class TestPrometheus:
    """All on one server of each pair."""

    def test_service_graphs(self, server: str) -> None:
        """Tracing's, Istio's and Linkerd's edges, without loops, unknown peers, `user`, and what had no traffic."""
        found = edges(server)
        assert [one[:3] for one in found] == [
            ("cart", "mail", "istio_requests_total"),
            ("cart", "redis", "traces_service_graph_request_total"),
            ("mail", "smtp", "response_total"),
            ("web", "cart", "traces_service_graph_request_total"),
        ]
        rates = [float(one[3].removesuffix("/s")) for one in found]
        assert rates == pytest.approx([0.83, 0.083, 0.42, 1.7], rel=0.1)  # fifty minutes' traffic over an hour

    def test_matchers_narrow(self, server: str) -> None:
        """Only the series that the matchers choose are looked at."""
        assert [one[:2] for one in edges(server, "--match", '{region="eu"}')] == [("mail", "smtp")]

    def test_any_label_pair(self, server: str) -> None:
        """Counters tell a rate, other metrics how many series."""
        assert [one[:3] for one in edges(server, *LABELS, "calls_total")] == [("shop", "stock", "calls_total")]
        assert edges(server, *LABELS, 'pool_size{app="shop"}') == [("shop", "db", "pool_size", "1 series")]

    def test_pods_on_nodes(self, server: str) -> None:
        """A deployment depends on the node of its pod."""
        assert edges(server, "--from", "kubernetes") == [("web", "a", "kube_pod_info", "1 pod")]

    def test_what_is_new_goes_into_a_file(self, server: str, tmp_path: Path) -> None:
        """New edges are added, declared ones stay, and it is said which is which; the second time nothing changes."""
        file = tmp_path / "receiver.yml"
        file.write_text("topology:\n  edges:\n    web: [cart]  # ours\n    cart: [memcached]\n")
        arguments = ("discover", "--prometheus.url", server, "--output", file, "--update")
        result = run(*arguments)
        assert "3 added; 5 edges: 3 new, 1 declared and seen, 1 declared and not seen" in result.output
        assert "cart → memcached  (declared, not seen)" in result.stdout
        after = file.read_text()
        assert "    web: [cart]  # ours\n    cart: [memcached, mail, redis]\n    mail: [smtp]\n" in after
        assert " 0 added" in run(*arguments).output
        assert file.read_text() == after
        printed = run("discover", "--prometheus.url", server, "--config.file", file)
        assert "      - memcached  # declared, not seen" in printed.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--match", '{region="mars"}'), 'where region="mars"; try a longer --since, or name a metric of yours'),
            ((*LABELS, "no_such_metric"), "has no series no_such_metric within 1h; check the name"),
            ((*LABELS[:3], "who", *LABELS[4:], "calls_total"), "has no label who; its labels: app, region, target"),
            ((*LABELS, 'traces_service_graph_request_total{client="old"}'), "has no label app and no label target"),
            (("--from", "kubernetes", "--match", 'namespace="other"'), "it comes from kube-state-metrics"),
        ],
    )
    def test_nothing_found(self, server: str, arguments: Sequence[str], said: str) -> None:
        """What there is not is told, with what could be done."""
        error = run("discover", "--prometheus.url", server, *arguments).exception
        assert isinstance(error, TocsinError)
        assert said in str(error)

    def test_names_are_compared_with_alerts(self, server: str, tmp_path: Path) -> None:
        """Alerts that fired count, pending ones do not; a label that none carries is an error."""
        file = tmp_path / "receiver.yml"
        file.write_text("topology: {edges: {web: [cart, a, nearly]}}")
        arguments = ("check", "--config.file", file, "--prometheus.url", server, "--format", "json", "--since", "1h")
        result = run(*arguments)
        problems = json.loads(result.stdout)["problems"]
        assert sorted(one["message"].rpartition("service=")[2] for one in problems) == ["'nearly'", "'web'"]
        assert result.exit_code == 0
        file.write_text("topology: {label: component, edges: {web: [cart]}}")
        result = run(*arguments)
        assert [one["check"] for one in json.loads(result.stdout)["problems"]] == ["label-never-seen"]
        assert result.exit_code == 1


def test_the_receivers_alerts_are_compared(tmp_path: Path) -> None:
    """`--url` asks the receiver which alerts it has had."""
    port = free_port()
    file = tmp_path / "receiver.yml"
    file.write_text("topology: {edges: {web: [cart, redis]}}")
    tocsin = Path(sys.executable).with_name("tocsin")
    command = [tocsin, "receiver", "run", "--storage.path", "store", "--web.listen-address", f"127.0.0.1:{port}"]
    with running(tmp_path, "receiver", *command):
        eventually("the receiver", lambda: get(port, "/-/ready") != "")
        alert = {
            "status": "firing",
            "labels": {"alertname": "A", "service": "cart"},
            "startsAt": "2026-11-21T03:00:00Z",
        }
        body = json.dumps({"version": "4", "groupKey": "g", "alerts": [alert]}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/hooks/alertmanager", body, timeout=10).close()
        eventually("the alert", lambda: '"cart"' in get(port, "/api/v1/alerts"))
        found = run("check", "--config.file", file, "--url", f"http://127.0.0.1:{port}")
    assert [line.partition(": warning: ")[2] for line in found.stdout.splitlines() if "warning:" in line] == [
        f"no alert of http://127.0.0.1:{port} ever had service='web' (never-alerted)",
        f"no alert of http://127.0.0.1:{port} ever had service='redis' (never-alerted)",
    ]
    assert found.exit_code == 0
