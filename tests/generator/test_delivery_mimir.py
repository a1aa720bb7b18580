"""Rules brought to a ruler: what is asked is what Mimir's and Cortex's take, and whatever goes wrong is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tenacity
import yaml
from typer.testing import CliRunner, Result

from generator.commands import rules
from generator.delivery import asking
from tests.generator.delivered import write
from tests.generator.rulers import Ruler, serving


@pytest.fixture
def ruler(promtool: Path) -> Iterator[Ruler]:
    """A ruler with a group of somebody else's."""
    other = {"name": "mine", "rules": [{"alert": "Mine", "expr": "up == 0"}]}
    with serving(Ruler(promtool, tenants={"acme": {"people": {"mine": other}}})) as served:
        yield served


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits between two attempts."""
    monkeypatch.setattr(asking, "BACK_OFF", tenacity.wait_none())


def run(command: str, packs: Path, ruler: Ruler, *more: str, url: str = "/prometheus") -> Result:
    arguments = [command, str(packs), "--to", "mimir", "--ruler.url", ruler.url + url, "--tenant-id", "acme", *more]
    return CliRunner().invoke(rules, arguments, env={"COLUMNS": "200"}, catch_exceptions=False)


pytestmark = pytest.mark.real


def test_it_is_planned_then_applied_then_in_step(ruler: Ruler, tmp_path: Path) -> None:
    """A dry run is the default; a second apply does nothing and says so; somebody else's namespace stays."""
    packs = write(tmp_path)
    planned = run("plan", packs, ruler)
    assert (planned.exit_code, "3 to create" in planned.stdout) == (3, True)
    dry = run("apply", packs, ruler)
    assert (dry.exit_code, "nothing was done; --yes does it" in dry.stdout) == (0, True)
    assert list(ruler.namespaces()) == ["people"]
    done = run("apply", packs, ruler, "--yes")
    assert (done.exit_code, "3 of 3 done" in done.stdout) == (0, True)
    assert list(ruler.namespaces()["tocsin.node"]) == ["node0", "node1", "node2"]
    ruler.asked.clear()
    again = run("apply", packs, ruler, "--yes")
    assert (again.exit_code, "nothing to do, 3 in step" in again.stdout) == (0, True)
    assert {line.split()[0] for line in ruler.asked} == {"GET"}
    assert run("plan", packs, ruler).exit_code == 0
    assert run("drift", packs, ruler).exit_code == 0
    assert list(ruler.namespaces()["people"]) == ["mine"]


def test_what_the_ruler_writes_otherwise_is_no_change(ruler: Ruler, tmp_path: Path) -> None:
    """It says 1m for 60s, and may print an expression in its own way; a rule that people changed there is one."""
    packs = write(tmp_path)
    run("apply", packs, ruler, "--yes")
    held = ruler.namespaces()["tocsin.node"]["node1"]
    assert held["interval"] == "1m"
    [rule] = held["rules"]
    rule["expr"] = "(sum(load{group='node1'}) by (job))\n > 1e1"
    rule["for"] = "300s"
    assert run("plan", packs, ruler).exit_code == 0
    rule["expr"] = rule["expr"].replace("1e1", "11")
    found = run("plan", packs, ruler)
    assert found.exit_code == 3
    assert "~ tocsin.node/node1 (1 rule changed)" in found.stdout
    assert "> [-11-]{+10+}" in found.stdout
    drifted = run("drift", packs, ruler, "--format", "json")
    assert drifted.exit_code == 3
    [change] = json.loads(drifted.stdout)["difference"]["rules"][0]["changes"]
    assert (change["old"].endswith("> 10"), change["new"].endswith("> 11")) == (True, True)


def test_a_change_and_what_is_gone(ruler: Ruler, tmp_path: Path) -> None:
    """What changed is put, what no pack makes any more is removed last; --no-prune leaves it."""
    run("apply", write(tmp_path, groups=3), ruler, "--yes")
    packs = write(tmp_path, groups=2, above=20)
    kept = run("plan", packs, ruler, "--no-prune")
    assert "tocsin.node/node2: no pack makes it any more; it stays" in kept.stdout
    ruler.asked.clear()
    done = run("apply", packs, ruler, "--yes")
    assert done.exit_code == 0
    changes = [line.replace("/prometheus/config/v1/rules", "") for line in ruler.asked if not line.startswith("GET")]
    assert changes == ["POST /tocsin.node", "POST /tocsin.node", "DELETE /tocsin.node/node2"]
    assert list(ruler.namespaces()["tocsin.node"]) == ["node0", "node1"]


def test_one_of_twenty_that_is_refused(ruler: Ruler, tmp_path: Path) -> None:
    """The others are applied, its own words are told, nothing is removed; once it is mended, the rest is done."""
    run("apply", write(tmp_path, "old", groups=1), ruler, "--yes")
    (tmp_path / "packs/old.yml").unlink()
    packs = write(tmp_path, groups=20)
    ruler.refuses = {"node7"}
    done = run("apply", packs, ruler, "--yes")
    assert done.exit_code == 1
    assert 'failed to create tocsin.node/node7: the ruler answers 400: group "node7", rule 0: could not' in done.stdout
    assert "did not remove tocsin.old/old0: not removed while something was refused" in done.stdout
    assert "19 of 21 done; apply again does the rest" in done.stdout
    assert len(ruler.namespaces()["tocsin.node"]) == 19
    assert "tocsin.old" in ruler.namespaces()
    ruler.refuses.clear()
    ruler.asked.clear()
    again = run("apply", packs, ruler, "--yes", "--format", "json")
    assert again.exit_code == 0
    rows = json.loads(again.stdout)
    assert [(row["action"], row["name"], row["state"]) for row in rows["steps"]] == [
        ("create", "tocsin.node/node7", "applied"),
        ("remove", "tocsin.old/old0", "applied"),
    ]
    assert (rows["done"], len(rows["in_step"])) == (True, 19)
    assert sum(line.startswith("POST") for line in ruler.asked) == 1


def test_what_a_ruler_runs_is_asked_of_its_prometheus_api(ruler: Ruler, tmp_path: Path) -> None:
    """As a file it has the namespace, what is empty it leaves out, and it shows no configuration."""
    packs = write(tmp_path)
    file = packs / "node.yml"
    file.write_text(file.read_text().replace("    interval: 60s\n", "", 1))

    def drift() -> Result:
        asked = ["--prometheus.url", f"{ruler.url}/prometheus", "--tenant-id", "acme", "--target", "mimir"]
        return CliRunner().invoke(rules, ["drift", str(packs), *asked], catch_exceptions=False)

    assert drift().stdout.endswith("drifted: 3 rules removed\n")
    run("apply", packs, ruler, "--yes")
    in_step = drift()
    assert (in_step.exit_code, in_step.stdout) == (0, f"{ruler.url}/prometheus: in step\n")
    held = ruler.namespaces()["tocsin.node"]
    held["node1"]["interval"] = "2m"
    held["extra"] = ruler.namespaces()["people"]["mine"] | {"name": "extra"}
    drifted = drift().stdout
    assert "~ interval: [-1m-] → {+2m+}" in drifted
    assert "+ node · extra (group added)" in drifted
    assert "people" not in drifted


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_go_well_the_next_time_is_tried_again(status: int, ruler: Ruler, tmp_path: Path) -> None:
    """A ruler that is busy or being replaced."""
    ruler.statuses = [status, status, 0, status]
    assert run("apply", write(tmp_path, groups=1), ruler, "--yes").exit_code == 0
    assert list(ruler.namespaces()["tocsin.node"]) == ["node0"]


def test_a_ruler_that_stays_down(ruler: Ruler, tmp_path: Path) -> None:
    """One line and exit 1, whether it never answers or only with errors."""
    ruler.statuses = [503] * 100
    packs = write(tmp_path)
    with pytest.raises(Exception, match="the ruler answers 503: try again; try again later"):
        run("plan", packs, ruler)
    ruler.url = "http://127.0.0.1:9"
    with pytest.raises(Exception, match="cannot be reached"):
        run("plan", packs, ruler)


def test_a_group_that_gets_no_answer(ruler: Ruler, tmp_path: Path) -> None:
    """The place counts as lost: the rest is not tried, so that twenty groups do not take twenty timeouts."""
    packs = write(tmp_path)
    run("apply", packs, ruler, "--yes")  # from now on promtool is not asked again, and answers come at once
    del ruler.namespaces()["tocsin.node"]
    ruler.silent = {"node1"}
    done = run("apply", packs, ruler, "--yes", "--timeout", "1s")
    assert done.exit_code == 1
    assert "created tocsin.node/node0" in done.stdout
    assert "failed to create tocsin.node/node1: " in done.stdout
    assert "does not answer within 1 s" in done.stdout
    assert "did not create tocsin.node/node2: not tried" in done.stdout
    ruler.silent.clear()
    assert "2 of 2 done" in run("apply", packs, ruler, "--yes").stdout


def test_a_ruler_that_hangs_up_halfway(ruler: Ruler, tmp_path: Path) -> None:
    """It had taken the group: asked again it takes it again, which changes nothing."""
    ruler.dies_at = "node1"
    done = run("apply", write(tmp_path), ruler, "--yes")
    assert (done.exit_code, "failed to create tocsin.node/node1" in done.stdout) == (1, True)
    assert list(ruler.namespaces()["tocsin.node"]) == ["node0", "node1"]
    ruler.dies_at = ""
    again = run("apply", write(tmp_path), ruler, "--yes")
    assert (again.exit_code, "1 of 1 done" in again.stdout) == (0, True)


def test_what_was_taken_and_not_kept(ruler: Ruler, tmp_path: Path) -> None:
    """It is read back: an answer of 202 alone is not believed."""
    ruler.drops = {"node1"}
    done = run("apply", write(tmp_path), ruler, "--yes")
    assert done.exit_code == 1
    assert "failed to create tocsin.node/node1: it was taken, and is not there" in done.stdout


def test_somebody_stops_it(ruler: Ruler, tmp_path: Path) -> None:
    """By SIGTERM or Ctrl-C: what was done, what may have been and what was not is told; the next run does the rest."""
    packs = write(tmp_path, groups=4)
    for number, line in ((signal.SIGTERM, "node1"), (signal.SIGINT, "node2")):
        ruler.silent = {line}
        arguments = ["apply", str(packs), "--to", "mimir", "--ruler.url", ruler.url, "--tenant-id", "acme", "--yes"]
        command = [str(Path(sys.executable).with_name("tocsin")), "rules", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("created")
            os.kill(process.pid, number)
            said = first + process.stdout.read()
        assert process.returncode == 130, said
        assert f"create tocsin.node/{line}: interrupted; it may have been done or not" in said
        assert "did not create tocsin.node/node3: interrupted before it" in said
        assert "apply again does the rest" in said
    ruler.silent.clear()
    assert "nothing to do" not in (done := run("apply", packs, ruler, "--yes")).stdout
    assert done.exit_code == 0
    assert len(ruler.namespaces()["tocsin.node"]) == 4


@pytest.mark.parametrize(
    ("mount", "url"),
    [
        ("/prometheus/config/v1/rules", ""),
        ("/prometheus/config/v1/rules", "/prometheus/"),
        ("/mimir/config/v1/rules", "/mimir"),
        ("/api/v1/rules", "/api/v1/rules"),
    ],
)
def test_where_the_api_is(mount: str, url: str, ruler: Ruler, tmp_path: Path) -> None:
    """Mimir's default prefix, another prefix, and Cortex's whole path."""
    ruler.mount = mount
    assert run("plan", write(tmp_path), ruler, url=url).exit_code == 3


def test_the_wrong_address_is_told(ruler: Ruler, tmp_path: Path) -> None:
    """A 404 of something else is not taken for a ruler without rules, whose groups would all be made anew."""
    with pytest.raises(Exception, match=r"is no ruler's API \(404\); write the prefix"):
        run("plan", write(tmp_path), ruler, url="/elsewhere")


def test_a_login_page_is_not_followed(ruler: Ruler, tmp_path: Path) -> None:
    """A group that is posted there would get nowhere; where the address points to is told without its secrets."""
    ruler.statuses = [0, 302]
    done = run("apply", write(tmp_path, groups=1), ruler, "--yes")
    assert (done.exit_code, "points to 'https://login.example/in'; write the address" in done.stdout) == (1, True)
    assert "s3cret" not in done.output


def test_an_empty_ruler_holds_nothing(ruler: Ruler, tmp_path: Path) -> None:
    """It answers 404, with these words."""
    ruler.tenants.clear()
    assert "3 to create" in run("plan", write(tmp_path), ruler).stdout


def test_names_are_quoted(ruler: Ruler, tmp_path: Path) -> None:
    """A group's name may hold what has a meaning in addresses."""
    packs = write(tmp_path, groups=1)
    file = packs / "node.yml"
    file.write_text(file.read_text().replace("name: node0", "name: 'a/b c?d%e#f ü'"))
    assert run("apply", packs, ruler, "--yes").exit_code == 0
    assert list(ruler.namespaces()["tocsin.node"]) == ["a/b c?d%e#f ü"]
    file.write_text(file.read_text().replace("a/b c?d%e#f ü", "plain"))
    assert run("apply", packs, ruler, "--yes").exit_code == 0
    assert list(ruler.namespaces()["tocsin.node"]) == ["plain"]


def test_only_namespaces_of_our_prefix_are_ours(ruler: Ruler, tmp_path: Path) -> None:
    """Two teams with a prefix each do not see one another; what cannot be a pack's name is somebody else's, too."""
    ruler.namespaces()["tocsin.by hand"] = ruler.namespaces()["people"]
    packs = write(tmp_path)
    run("apply", packs, ruler, "--yes", "--namespace-prefix", "edge.")
    run("apply", packs, ruler, "--yes")
    assert sorted(ruler.namespaces()) == ["edge.node", "people", "tocsin.by hand", "tocsin.node"]
    (packs / "node.yml").unlink()
    write(tmp_path, "disk")
    run("apply", packs, ruler, "--yes", "--namespace-prefix", "edge.")
    assert sorted(ruler.namespaces()) == ["edge.disk", "people", "tocsin.by hand", "tocsin.node"]


def test_secrets_are_sent_and_not_told(ruler: Ruler, tmp_path: Path) -> None:
    """A token from a file goes with every request and stands in no message; so does the tenant from the file."""
    (tmp_path / "token").write_text("s3cret\n")
    config = {"authorization": {"credentials_file": "token"}, "http_headers": {"X-Scope-OrgID": {"values": ["acme"]}}}
    (tmp_path / "http.yml").write_text(yaml.safe_dump(config))
    arguments = [str(write(tmp_path)), "--to", "mimir", "--ruler.url", ruler.url]
    arguments += ["--http.config.file", str(tmp_path / "http.yml")]
    ruler.refuses = {"node1"}
    done = CliRunner().invoke(rules, ["apply", *arguments, "--yes"])
    assert {headers["Authorization"] for headers in ruler.headers} == {"Bearer s3cret"}
    assert "s3cret" not in done.output
    ruler.statuses = [401]
    with pytest.raises(Exception, match=r"refuses us \(401\): try again; say who asks in .*; check what it gives"):
        CliRunner().invoke(rules, ["plan", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ruler.url", "mimir:8080"], "'mimir:8080' is no address; write http://mimir:8080/prometheus"),
        (["--ruler.url", "http://ann:s3cret@127.0.0.1"], "a name or password stands in the address"),
        (["--ruler.url", "http://127.0.0.1:9?key=s3cret"], "an address has no question"),
        (["--ruler.url", "http://127.0.0.1:9", "--timeout", "soon"], "--timeout: 'soon' is not a duration"),
        (["--ruler.url", "http://127.0.0.1:9", "--namespace-prefix", "a/b"], "--namespace-prefix: 'a/b' cannot be one"),
        (["--ruler.url", "http://127.0.0.1:9", "--tenant-id", "a\nb"], "cannot be one"),
        ([], "name it: --ruler.url"),
    ],
)
def test_unusable_options(options: list[str], message: str, tmp_path: Path) -> None:
    """Exit 2 and one line, without the secret."""
    result = CliRunner().invoke(rules, ["plan", str(write(tmp_path)), "--to", "mimir", *options])
    assert message in str(result.exception)
    assert getattr(result.exception, "exit_code", 0) == 2
    assert "s3cret" not in str(result.exception)
