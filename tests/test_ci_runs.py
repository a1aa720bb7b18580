"""The recipes for CI, run: real git, promtool, curl and jq; the code host and the cluster speak their protocols."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import real
from tests.ci_recipes import GITHUB, GITLAB, Ran, read, run, script
from tests.code_hosts import TOKEN, CodeHost, running
from tests.generator import prometheuses
from tests.generator.packs import alert, pack
from tests.generator.rule_cluster import RuleCluster
from tests.kubernetes import kubeconfig
from tests.kubernetes import running as cluster_running

HOSTS = ("github", "gitlab")
NO_HTTP = {"HTTP_CONFIG": ""}  # GitHub gives a variable that is not set as an empty text
GIT = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "init.defaultBranch=main")


def need(*programs: str) -> None:
    """Skips without them, or fails where nothing may be missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        real.unavailable(f"no {', '.join(missing)} on this machine")


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def packs(folder: Path, above: int, extra: str = "") -> None:
    """A folder of one pack, as a repository holds it."""
    (folder / "rulepacks").mkdir(exist_ok=True)
    rules = alert(
        f"threshold: {{expr: 'sum by (job) (up)', above: {above}}}", for_="5m", runbook="https://example.org/r"
    )
    (folder / "rulepacks/test.yml").write_text(pack(f"{rules}\n{extra}"))


def repository(folder: Path, base: int, head: int, extra: str = "") -> str:
    """A checkout as a pull request has it: a merge whose first parent is the base, which is returned."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    packs(folder, base)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")
    git(folder, "checkout", "--quiet", "-b", "change")
    packs(folder, head, extra)
    git(folder, "commit", "--quiet", "--all", "--allow-empty", "--message", "change")
    git(folder, "checkout", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "--message", "merge", "change")
    return git(folder, "rev-parse", "HEAD^1")


async def proven(host: str, folder: Path, base: str, promtool: Path) -> Ran:
    """What is run for a pull request, in its order, until something fails."""
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "RUNNER_TEMP": str(folder.parent)}
    steps = ("check", "test", "diff") if host == "github" else ("rules-prove",)
    for name in steps:
        ran = await run(script(host, name), folder, variables, str(promtool.parent))
        if ran.code:
            return ran
    return ran


@pytest.mark.real
@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize("host", HOSTS)
async def test_a_pull_request(host: str, tmp_path: Path, promtool: Path) -> None:
    """Rules that are fine pass, and what changed in them is ready to be told, with the mark by which it is found."""
    need("git")
    folder = tmp_path / "checkout"
    base = repository(folder, 3, 4)
    ran = await proven(host, folder, base, promtool)
    assert ran.code == 0, ran.output
    comment = (folder / "comments/diff.md").read_text()
    assert comment.startswith("<!-- tocsin:diff -->\n")
    assert "Test" in comment
    assert "> 4" in comment
    if host == "gitlab":
        assert "<testsuite" in (folder / "rules.xml").read_text()


@pytest.mark.real
@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize("host", HOSTS)
async def test_a_pull_request_that_changes_nothing(host: str, tmp_path: Path, promtool: Path) -> None:
    """It passes, and says so: a comment that was made before is brought up to date."""
    need("git")
    folder = tmp_path / "checkout"
    base = repository(folder, 3, 3)
    ran = await proven(host, folder, base, promtool)
    assert ran.code == 0, ran.output
    assert (folder / "comments/diff.md").read_text().startswith("<!-- tocsin:diff -->\n")


@pytest.mark.real
@pytest.mark.slow(seconds=10)
@pytest.mark.parametrize("host", HOSTS)
async def test_a_pull_request_with_an_error(host: str, tmp_path: Path, promtool: Path) -> None:
    """It fails where the rules are checked, at the file and line."""
    need("git")
    folder = tmp_path / "checkout"
    broken = "- alert: Broken\n  promql: {expr: 'sum(up'}\n  severity: info\n  summary: It happens"
    base = repository(folder, 3, 3, broken)
    ran = await proven(host, folder, base, promtool)
    assert ran.code == 1
    assert "rulepacks/test.yml" in ran.output
    assert "Broken" in ran.output


async def test_the_first_rules_have_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """A base without the folder is no error."""
    need("git")
    folder = tmp_path / "checkout"
    base = repository(folder, 3, 4)
    git(folder, "checkout", "--quiet", base)
    git(folder, "rm", "--quiet", "-r", "rulepacks")
    git(folder, "commit", "--quiet", "--message", "none")
    packs(folder, 4)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    ran = await run(script("github", "diff"), folder, {})
    assert (ran.code, list((folder / "comments").iterdir())) == (0, [])


# Backtest.


def remember(binaries: real.Binaries, folder: Path, value: float) -> None:
    """Two hours in which `up` of a job had a value, as a Prometheus finds them in its storage."""
    now = int(time.time()) // 60 * 60
    lines = [f'up{{job="shop"}} {value} {now - ago}' for ago in range(7200, 0, -60)]
    (folder / "history").write_text("\n".join(["# TYPE up gauge", *lines, "# EOF", ""]))
    command = [str(binaries.promtool), "tsdb", "create-blocks-from", "openmetrics", "history", "data"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.real
@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize("host", HOSTS)
async def test_what_a_change_would_have_done(host: str, tmp_path: Path) -> None:
    """An alert that fired by the base and would no longer do so: the comment tells both."""
    need("git")
    binaries = real.pair("current")
    folder, storage = tmp_path / "checkout", tmp_path / "prometheus"
    storage.mkdir()
    remember(binaries, storage, 3.5)
    base = repository(folder, 3, 4)
    with prometheuses.running(binaries, storage) as url:
        variables = {"PROMETHEUS_URL": url, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "RUNNER_TEMP": str(tmp_path)}
        ran = await run(
            script(host, "backtest" if host == "github" else "rules-backtest"), folder, {**variables, **NO_HTTP}
        )
    assert ran.code == 0, ran.output
    comment = (folder / "comments/backtest.md").read_text()
    assert comment.startswith("<!-- tocsin:backtest -->\n")
    assert "1 → 0" in comment


@pytest.mark.parametrize("host", HOSTS)
async def test_a_prometheus_that_cannot_be_reached(host: str, tmp_path: Path) -> None:
    """The step fails, in one line; the recipe goes on without it."""
    need("git")
    folder = tmp_path / "checkout"
    base = repository(folder, 3, 4)
    variables = {"PROMETHEUS_URL": "http://127.0.0.1:9", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    one = script(host, "backtest" if host == "github" else "rules-backtest")
    ran = await run(one, folder, {**variables, **NO_HTTP, "RUNNER_TEMP": str(tmp_path)})
    assert ran.code == 1
    assert "127.0.0.1:9" in ran.output
    assert "Traceback" not in ran.output
    step = next(step for step in read(GITHUB)["jobs"]["prove"]["steps"] if step.get("id") == "backtest")
    assert step["continue-on-error"] is True
    assert read(GITLAB)["rules-backtest"]["allow_failure"] is True


# Comments.


async def commented(host: str, folder: Path, url: str, token: str = TOKEN) -> Ran:
    variables: Mapping[str, str] = {
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": "shop/rules",
        "GH_TOKEN": token,
        "NUMBER": "12",
        "RUNNER_TEMP": str(folder.parent),
        "CI_API_V4_URL": url,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "12",
        "TOCSIN_COMMENT_TOKEN": token,
    }
    return await run(script(host, "comment" if host == "github" else "rules-comment"), folder, variables)


def to_say(folder: Path, words: str) -> None:
    """What the jobs before have left."""
    (folder / "comments").mkdir(parents=True, exist_ok=True)
    for name in ("diff", "backtest"):
        text = f'<!-- tocsin:{name} -->\n### Rules\n\n`sum("a\\b")` $HOME $(id) {words}\n'
        (folder / f"comments/{name}.md").write_text(text)


@pytest.mark.parametrize("others", [0, 3, 250])
@pytest.mark.parametrize("host", HOSTS)
async def test_comments_are_made_once(host: str, others: int, tmp_path: Path) -> None:
    """Each kind has one comment, which is replaced when the rules change, however many others there are."""
    need("curl", "jq")
    far = CodeHost()
    for number in range(others):
        far.said(f"<!-- tocsin:diff --> quoted by somebody {number}", bot=False)
    folder = tmp_path / "checkout"
    async with running(far) as url:
        for words in ("first", "second"):
            to_say(folder, words)
            ran = await commented(host, folder, url)
            assert ran.code == 0, ran.output
            expected = [(folder / f"comments/{name}.md").read_text() for name in ("backtest", "diff")]
            assert far.bodies == expected
    assert len(far.comments) == others + 2
    assert sum(method == "POST" for method, _ in far.asked) == 2


@pytest.mark.parametrize("host", HOSTS)
async def test_nothing_to_say(host: str, tmp_path: Path) -> None:
    """Where no job left anything, nothing is asked."""
    need("curl", "jq")
    far = CodeHost()
    (tmp_path / "checkout").mkdir()
    async with running(far) as url:
        ran = await commented(host, tmp_path / "checkout", url)
    assert (ran.code, far.asked) == (0, [])


@pytest.mark.parametrize("host", HOSTS)
async def test_a_token_that_may_not(host: str, tmp_path: Path) -> None:
    """The job fails with the host's words, and without the token."""
    need("curl", "jq")
    to_say(tmp_path / "checkout", "")
    async with running(CodeHost()) as url:
        ran = await commented(host, tmp_path / "checkout", url, "another-token")
    assert ran.code != 0
    assert "401" in ran.output
    assert "another-token" not in ran.output


# Delivery.


@pytest.mark.slow(seconds=25)
@pytest.mark.parametrize("host", HOSTS)
async def test_from_the_plan_to_the_cluster(host: str, tmp_path: Path) -> None:
    """The plan tells that there is something to do, apply does it, and then there is nothing; drift is seen."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    packs(folder, 3)
    cluster = RuleCluster()
    prefix = "" if host == "github" else "rules-"
    async with cluster_running(cluster) as url:
        file = kubeconfig(tmp_path, url)
        outputs = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        variables = {**outputs, "RUNNER_TEMP": str(tmp_path), "KUBECONFIG_TEXT": file.read_text()}
        if host == "gitlab":
            variables["KUBECONFIG"] = str(file)

        async def step(name: str) -> Ran:
            return await run(script(host, prefix + name), folder, variables)

        first = await step("plan")
        assert first.code == (0 if host == "github" else 3), first.output
        assert cluster.heard == []
        applied = await step("apply")
        assert applied.code == 0, applied.output
        assert cluster.named("test")["metadata"]["labels"]["release"] == "prometheus"
        assert (await step("plan")).code == 0
        assert (await step("drift")).code == 0
        cluster.edit(cluster.named("test"), groups=[])
        drifted = await step("drift")
        assert drifted.code == 3, drifted.output
    if host == "github":
        assert (tmp_path / "GITHUB_OUTPUT").read_text() == "changes=true\nchanges=false\n"
        assert "test" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text()
