"""`tocsin topology`: what is found out, compared, written and found odd."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner, Result

from receiver.topology.circles import circles
from receiver.topology.discover import placements
from receiver.topology.edge import Found, Judged, compared, counted
from receiver.topology.file import declared
from receiver.topology.finding import Request, parsed
from receiver.topology.fragment import fragment
from receiver.topology.judge import Seen, judge
from receiver.topology.update import update, with_edges
from receiver.topology_commands import topology
from tocsin.errors import InputError, TocsinError, UsageError
from tocsin.problem import Problem

FILE = """\
# Our receiver.
topology:
  label: service        # the label of ours
  edges:
    # the shop
    checkout: [cart, payments]   # who pays
    cart: [redis]
reopen_within: 5m
"""


def written(folder: Path, text: str = FILE) -> Path:
    file = folder / "receiver.yml"
    file.write_text(text)
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(topology, [str(one) for one in arguments])


def test_show_prints_every_form(tmp_path: Path) -> None:
    """A tree, JSON, Mermaid, SVG; to a file with --output."""
    file = written(tmp_path)
    assert run("show", "--config.file", file).stdout.splitlines()[0] == "checkout"
    assert json.loads(run("show", "--config.file", file, "--format", "json").stdout) == {
        "label": "service",
        "nodes": ["cart", "checkout", "payments", "redis"],
        "edges": [
            {"caller": "cart", "dependency": "redis"},
            {"caller": "checkout", "dependency": "cart"},
            {"caller": "checkout", "dependency": "payments"},
        ],
    }
    assert run("show", "--config.file", file, "--format", "mermaid").stdout.count(" --> ") == 3
    out = tmp_path / "topology.svg"
    assert run("show", "--config.file", file, "--format", "svg", "--output", out).stdout == ""
    assert out.read_text().startswith("<svg ")
    assert isinstance(run("show", "--config.file", file, "-o", tmp_path / "no" / "folder").exception, UsageError)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("reopen_within: 5m\n", TocsinError),
        ("", TocsinError),
        ("topology: {edges: {a: b}}\n", InputError),
        ("topology: {label: ''}\n", InputError),
        ("topologie: {}\n", InputError),
        ("topology: {edges: {a: [b}\n", InputError),
    ],
)
def test_a_file_without_a_graph(text: str, kind: type[Exception], tmp_path: Path) -> None:
    """What is wrong with the file is told, or that it declares no edges, with the way out."""
    for command in ("show", "check"):
        error = run(command, "--config.file", written(tmp_path, text)).exception
        assert type(error) is kind
        if kind is TocsinError:
            assert "topology discover" in str(error)


FOUND = [
    Found("checkout", "cart", "istio_requests_total", "12/s"),
    Found("checkout", "mail", "istio_requests_total", "0.2/s"),
    Found("web", "yes", "response_total", "3/s"),
]
EDGES = {"checkout": ("cart", "payments")}


def test_edges_are_compared() -> None:
    """New, declared and seen, declared and not seen: each once, sorted."""
    judged = compared(FOUND, EDGES)
    assert [(one.caller, one.dependency, one.state) for one in judged] == [
        ("checkout", "cart", "declared"),
        ("checkout", "mail", "new"),
        ("checkout", "payments", "not seen"),
        ("web", "yes", "new"),
    ]
    assert counted(judged) == "4 edges: 2 new, 1 declared and seen, 1 declared and not seen"
    assert counted([]) == "0 edges: none"


def test_a_fragment_can_be_pasted(tmp_path: Path) -> None:
    """It is YAML that the receiver takes, with where each edge comes from; odd names are quoted."""
    odd = [Found('a "b": #c\n', "1.5", "m", "1/s"), *FOUND]
    text = fragment("app", compared(odd, EDGES), "found somewhere")
    found = declared(written(tmp_path, text)).topology
    assert found.label == "app"
    assert found.edges == {
        'a "b": #c\n': ("1.5",),
        "checkout": ("cart", "mail", "payments"),
        "web": ("yes",),
    }
    assert "- mail  " in text
    assert "# new: 0.2/s, istio_requests_total" in text
    assert "# declared, not seen" in text
    assert declared(written(tmp_path, fragment("app", [], "nothing"))).topology.edges == {}


def new(*pairs: tuple[str, str]) -> list[Judged]:
    return [Judged(caller, name, "new", "m", "1/s") for caller, name in pairs]


def test_update_keeps_everything_else(tmp_path: Path) -> None:
    """New edges come in; comments, order, quotes and what was not seen stay, byte for byte."""
    file = written(tmp_path)
    judged = [*new(("cart", "postgres"), ("web", "checkout")), Judged("checkout", "payments", "not seen")]
    assert [edge.dependency for edge in update(file, judged)] == ["postgres", "checkout"]
    assert file.read_text() == FILE.replace("[redis]\n", "[redis, postgres]\n    web: [checkout]\n")
    before = file.stat().st_mtime_ns
    assert update(file, [Judged("cart", "redis", "declared")]) == []
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "topology:\n  edges:\n    a: [b]\n"),
        ("# only this\n", "# only this\ntopology:\n  edges:\n    a: [b]\n"),
        ("x: 1 # y\n", "x: 1 # y\ntopology:\n  edges:\n    a: [b]\n"),
        ("topology: {label: app}\n", "topology: {label: app, edges: {a: [b]}}\n"),
        (
            "topology:\n  edges:\n    a:\n    - c # why\n    - d\n",
            "topology:\n  edges:\n    a:\n    - c # why\n    - d\n    - b\n",
        ),
        ("topology:\n  edges:\n    a:\n      - c\n", "topology:\n  edges:\n    a:\n      - c\n      - b\n"),
        ("topology:\n  edges:\n    a: []\nx: 'y'\n", "topology:\n  edges:\n    a: [b]\nx: 'y'\n"),
    ],
)
def test_update_in_every_style(text: str, after: str) -> None:
    """Block and flow lists, empty files, no `topology` yet."""
    assert with_edges(text, new(("a", "b")), "f") == after


@pytest.mark.parametrize(
    "text",
    [
        "same: &s [c]\ntopology: {edges: {a: *s, z: *s}}\n",
        "topology: {edges: {a: b}}\n",
        "topology: [edges]\n",
        "topology:\n  edges: none\n",
    ],
)
def test_update_rather_fails_than_harms(text: str, tmp_path: Path) -> None:
    """An alias that something else shares, or a file of another shape: an error, and the file is as it was."""
    file = written(tmp_path, text)
    with pytest.raises(TocsinError, match=r"receiver\.yml"):
        update(file, new(("a", "b")))
    assert file.read_text() == text
    with pytest.raises(InputError):
        update(written(tmp_path, "a: [b\n"), new(("a", "b")))


def test_pods_on_nodes() -> None:
    """A deployment's pods are found through its replica set; daemon sets, jobs and bare pods tell nothing."""
    pods = [
        {"namespace": "n", "pod": pod, "node": node}
        for pod, node in [
            ("web-1", "a"),
            ("web-2", "a"),
            ("web-3", "b"),
            ("db-0", "b"),
            ("agent-x", "a"),
            ("bare", "a"),
        ]
    ]
    owners = [
        *(
            {"namespace": "n", "pod": f"web-{number}", "owner_kind": "ReplicaSet", "owner_name": "web-5d"}
            for number in (1, 2, 3)
        ),
        {"namespace": "n", "pod": "db-0", "owner_kind": "StatefulSet", "owner_name": "db"},
        {"namespace": "n", "pod": "agent-x", "owner_kind": "DaemonSet", "owner_name": "agent"},
    ]
    sets = [{"namespace": "n", "replicaset": "web-5d", "owner_kind": "Deployment", "owner_name": "web"}]
    assert [(one.caller, one.dependency, one.traffic) for one in placements(pods, owners, sets)] == [
        ("web", "a", "2 pods"),
        ("web", "b", "1 pod"),
        ("db", "b", "1 pod"),
    ]


@pytest.mark.parametrize(
    ("edges", "wanted"),
    [
        ({"a": ["b"], "b": ["c"]}, []),
        ({"a": ["a"]}, []),
        ({"a": ["b"], "b": ["a"]}, [("a", "b")]),
        ({"a": ["b", "d"], "b": ["c"], "c": ["a"], "d": ["a"], "x": ["y"], "y": ["x", "a"]}, [("a", "d"), ("x", "y")]),
    ],
)
def test_circles(edges: dict[str, list[str]], wanted: list[tuple[str, ...]]) -> None:
    """One shortest circle a knot; a loop is none."""
    assert circles(edges) == wanted
    long = {f"s{number:05}": [f"s{(number + 1) % 5000:05}"] for number in range(5000)}
    assert len(circles(long)[0]) == 5000


ODD = """\
topology:
  edges:
    web: [cart, user, mail, redis, web, cart]
    cart: [redis]
    redis: [user]
    user: [cart]
    mail: []
    search: [user]
"""


def test_check_finds_what_is_odd_in_itself(tmp_path: Path) -> None:
    """Circles, loops, repeated edges, what depends on most: warnings with their place and a hint; exit 0."""
    file = written(tmp_path, ODD)
    found = run("check", "--config.file", file, "--format", "json")
    problems = json.loads(found.stdout)["problems"]
    assert [(one["check"], one["line"], one["severity"]) for one in problems] == [
        ("depends-on-most", 3, "warning"),
        ("self-loop", 3, "warning"),
        ("repeated-edge", 3, "warning"),
        ("circle", 4, "warning"),
    ]
    assert problems[3]["message"] == "cart → redis → user → cart is a circle"
    assert all(one["hint"] and one["file"] == str(file) for one in problems)
    assert found.exit_code == 0


def told(declared_text: str, folder: Path, seen: Seen) -> list[Problem]:
    return judge(declared(written(folder, declared_text)), seen)


def test_names_are_compared_with_alerts(tmp_path: Path) -> None:
    """Names that no alert had, with what they may be meant for, and alerts outside of the graph; nodes are known."""
    edges = "topology: {edges: {checkout: [catalogue, node-1], cart: [redis]}}"
    seen = Seen(frozenset({"checkout", "catalog", "cart", "redis", "search"}), 5, "R", frozenset({"node-1"}))
    found = [(one.check, one.message, one.hint) for one in told(edges, tmp_path, seen)]
    assert found == [
        (
            "never-alerted",
            "no alert of R ever had service='catalogue'",
            "did you mean 'catalog', which alerts carry?",
        ),
        ("not-in-graph", "alerts of R have service='catalog', which is not in the graph", "the graph has 'catalogue'"),
        (
            "not-in-graph",
            "alerts of R have service='search', which is not in the graph",
            "add what it depends on, and who depends on it",
        ),
    ]


@pytest.mark.parametrize(("without", "check", "severity"), [(7, "label-never-seen", "error"), (0, "no-alerts", "info")])
def test_a_label_that_no_alert_carries(without: int, check: str, severity: str, tmp_path: Path) -> None:
    """A graph of a label that no alert has does nothing: an error. No alerts at all say nothing."""
    (problem,) = told("topology: {edges: {a: [b]}}", tmp_path, Seen(frozenset(), without, "R"))
    assert (problem.check, problem.severity) == (check, severity)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("service-graph", caller="app"), "belong to --from labels"),
        (Request("service-graph", match="up{a='b'}"), "write matchers alone"),
        (Request("service-graph", match="{a=}"), "no selector"),
        (Request("labels"), "needs --match"),
        (Request("labels", "m", "a"), "needs --dependency"),
        (Request("labels", "m", "a b", "c"), "no label's name"),
        (Request("labels", "rate(m[5m])", "a", "b"), "not a selector"),
        (Request("labels", "m{", "a", "b"), "no selector"),
    ],
)
def test_options_that_do_not_fit(request_: Request, said: str) -> None:
    """Each is refused with the way out."""
    with pytest.raises(UsageError, match=said):
        parsed(request_)


def test_matchers_are_bare() -> None:
    """Braces may be written or not; a metric's selector stays."""
    assert [parsed(Request("kubernetes", text)).match for text in ('{a="b"}', 'a="b",', "", "{}")] == [
        'a="b"',
        'a="b"',
        "",
        "",
    ]
    assert parsed(Request("labels", 'm{a="b"}', "c", "d")).match == 'm{a="b"}'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("discover",), "--prometheus.url"),
        (("discover", "--prometheus.url", "u", "--since", "1 h"), "is not a duration"),
        (("discover", "--prometheus.url", "u", "--since", "0s"), "write 1h"),
        (("discover", "--prometheus.url", "u", "--update"), "needs --output"),
        (("discover", "--prometheus.url", "u", "--output", __file__), "add --update"),
        (("discover", "--prometheus.url", "u", "--output", "no.yml", "--update"), "does not exist"),
        (("discover", "--prometheus.url", "u", "-o", "FILE", "--update", "--config.file", "x.yml"), "compares with"),
        (("discover", "--prometheus.url", "u"), "is no address"),
        (("discover", "--prometheus.url", "http://u:p@h"), "--http.config.file"),
        (("discover", "--prometheus.url", "http://127.0.0.1:1"), "is Prometheus running there"),
        (("check", "--config.file", "FILE", "--url", "u", "--prometheus.url", "u"), "ask one of them"),
        (("check", "--config.file", "FILE", "--http.config.file", "f"), "--prometheus.url"),
        (("check", "--config.file", "FILE", "--prometheus.url", "http://127.0.0.1:1"), "is Prometheus running there"),
        (("check", "--config.file", "FILE", "--url", "http://127.0.0.1:1"), "is the receiver running"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Each is told with the way out, and nothing else happens."""
    file = written(tmp_path)
    result = run(*(str(file) if one == "FILE" else one for one in arguments))
    assert result.exit_code != 0
    assert said in result.output + str(result.exception)


ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/topology.md").read_text()


@pytest.mark.parametrize("command", ["show", "discover", "check"])
def test_every_option_is_documented(command: str) -> None:
    """The options of each command stand in its section, with their defaults, and no other; --help has an example."""
    section = REFERENCE.split(f"## `tocsin topology {command}`")[1].split("\n## ")[0]
    (documented,) = (table for table in section.split("\n\n") if table.startswith("| option |"))
    parameters = typer.main.get_command(topology).commands[command].params  # type: ignore[attr-defined]
    assert {one.opts[-1] for one in parameters} == set(re.findall(r"`(--[a-z.-]+)`", "".join(_first_cells(documented))))
    for one in parameters:
        if one.default not in (None, "", False):
            assert f"`{one.opts[-1]}` | `{one.default}` |" in documented
    assert "Example:" in run(command, "--help").stdout


def _first_cells(table: str) -> list[str]:
    return [line.split("|")[1] for line in table.splitlines()]


def test_every_check_is_documented() -> None:
    """The names of what `check` finds stand in the reference, with their severity."""
    source = (ROOT / "receiver/topology/judge.py").read_text()
    checks = re.findall(r'Problem\(\s*"([a-z-]+)"', source)
    assert len(checks) == 8
    assert [name for name in checks if f"\n| `{name}` | " not in REFERENCE] == []
