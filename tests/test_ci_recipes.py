"""The recipes for CI: valid, careful, and each of their commands is one that there is."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.ci_recipes import GITHUB, GITLAB, HOOKS, Script, every_line, read, run, scripts
from tocsin import http_config
from tocsin.cli import build

JOBS: dict[str, dict[str, Any]] = read(GITHUB)["jobs"]

# Stands in for a program: notes what it was called with, and answers nothing.
STUB = """#!/bin/sh
for argument in "$(basename "$0")" "$@"; do printf '%s\\0' "$argument"; done >> "$CALLS"
printf '\\n' >> "$CALLS"
"""


@pytest.mark.parametrize(
    ("file", "options"),
    [
        (GITHUB, ["vendor.github-workflows"]),
        (GITHUB, ["custom.github-workflows-require-timeout"]),
        (GITLAB, ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
    ],
)
def test_what_the_hosts_take(file: Path, options: list[str]) -> None:
    """Each recipe is valid by its host's schema, and no job runs for ever."""
    check = Path(sys.executable).with_name("check-jsonschema")
    ran = subprocess.run([check, "--builtin-schema", *options, file], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("where", "text"), [pytest.param(*one, id=one[0]) for one in every_line()])
def test_scripts_are_shell(where: str, text: str) -> None:
    """A shell can read each; and none holds an expression of the host, through which others could write into it."""
    shell = "sh" if where == "gitlab rules-comment" else "bash"
    ran = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert "${{" not in text


# Commands.


GUIDED = 'authorization: {credentials: "${PROMETHEUS_SECRET}"}'  # as the guide has it
VARIABLES = {
    "github": {"HTTP_CONFIG": GUIDED, "PROMETHEUS_URL": "http://prometheus:9090", "KUBECONFIG_TEXT": "{}"},
    "gitlab": {
        "PROMETHEUS_URL": "http://prometheus:9090",
        "PROMETHEUS_HTTP_CONFIG": "http.yml",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "0123abc",
    },
}


async def called(one: Script, folder: Path) -> list[list[str]]:
    """The arguments of each call of `tocsin` in a script, as the shell gives them to it."""
    programs, work = folder / "bin", folder / "work"
    programs.mkdir()
    work.mkdir()
    (folder / "http.yml").write_text(GUIDED)
    for name in ("tocsin", "git", "curl"):
        (programs / name).write_text(STUB)
        (programs / name).chmod(0o755)
    files = {name: str(folder / name) for name in ("CALLS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
    variables = files | VARIABLES[one.host] | {"RUNNER_TEMP": str(folder)}
    ran = await run(one, work, variables, str(programs))
    assert ran.code == 0, ran.output
    calls = [line.split("\0")[:-1] for line in (folder / "CALLS").read_text().splitlines()]
    return [arguments for program, *arguments in calls if program == "tocsin"]


def parsed(arguments: list[str]) -> Mapping[str, Any]:
    """What the real command line makes of them; nothing is run."""
    command: Any = typer.main.get_command(build())
    context, rest = command.make_context("tocsin", list(arguments), resilient_parsing=True), list(arguments)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, list(rest), parent=context, resilient_parsing=hasattr(command, "commands"))
    params: dict[str, Any] = context.params
    return params


COMMANDS = [one for one in scripts() if "tocsin" in one.text and "comment" not in one.name]


@pytest.mark.parametrize("one", [pytest.param(one, id=f"{one.host}-{one.name}") for one in COMMANDS])
async def test_every_command_is_one_that_there_is(tmp_path: Path, one: Script) -> None:
    """The command line of today takes each call, option by option, over the folder of packs."""
    calls = await called(one, tmp_path)
    assert calls
    for arguments in calls:
        given = parsed(arguments)
        assert "rulepacks" in json.dumps(given, default=str)


async def test_what_goes_with_a_backtest(tmp_path: Path) -> None:
    """The server, the way to ask it, and the rules of the base to compare with."""
    for host in ("github", "gitlab"):
        (tmp_path / host).mkdir()
        [one] = [one for one in COMMANDS if (one.host, one.name.removeprefix("rules-")) == (host, "backtest")]
        [arguments] = await called(one, tmp_path / host)
        given = parsed(arguments)
        assert given["prometheus_url"] == "http://prometheus:9090"
        assert given["http_config"].name == "http.yml"
        config, problems = http_config.read(tmp_path / host / "http.yml", {"PROMETHEUS_SECRET": "a-token"})
        assert config is not None, problems
        assert dict(config.headers()) == {"Authorization": "Bearer a-token"}
        assert [path.parts[-2:] for path in given["compare"]] == [("base", "rulepacks")]
        assert (given["changed_only"], str(given["out"])) == (True, "comments/backtest.md")


# Rights.


def test_actions_are_pinned() -> None:
    """What others could move under us is named by its commit, and the version stands beside it."""
    uses = re.findall(r"uses: (\S+)(.*)", GITHUB.read_text())
    assert uses
    assert [name for name, rest in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []
    assert [name for name, rest in uses if not re.fullmatch(r" # v\d+\.\d+\.\d+", rest)] == []
    assert len({(name.partition("@")[0]) for name, _ in uses}) == len({name for name, _ in uses})


def test_rights_of_the_workflow() -> None:
    """Nothing by default; one job writes comments, and it checks nothing out; the others read."""
    assert read(GITHUB)["permissions"] == {}
    rights = {name: job["permissions"] for name, job in JOBS.items()}
    assert rights.pop("comment") == {"pull-requests": "write"}
    assert all(right == {"contents": "read"} for right in rights.values())
    assert not any("checkout" in step.get("uses", "") for step in JOBS["comment"]["steps"])
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_forks_get_no_secret() -> None:
    """A step that is given a secret runs for branches of the repository itself, or in a protected environment."""
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    given = [
        (job, step)
        for job in JOBS.values()
        for step in job["steps"]
        if re.search(r"\b(secrets\.|github\.token)", json.dumps(step))
    ]
    assert len(given) == 5
    for job, step in given:
        assert own in f"{job.get('if', '')}{step.get('if', '')}" or "environment" in job
    assert "pull_request_target" not in GITHUB.read_text()


def test_nothing_is_applied_unasked() -> None:
    """What changes a cluster waits for somebody: a protected environment, or a button; and never two at once."""
    assert "environment" in JOBS["apply"]
    assert JOBS["apply"]["concurrency"]
    job = read(GITLAB)["rules-apply"]
    assert [rule["when"] for rule in job["rules"]] == ["manual"]
    assert job["resource_group"]
    applying = [one.name for one in COMMANDS if "rules apply" in one.text]
    assert applying == ["apply", "rules-apply"]


def test_no_secret_stands_in_an_argument() -> None:
    """Others on the machine can read arguments: a token goes through a file that is ours alone."""
    for where, text in every_line():
        secrets = re.findall(r'.*"\$(?:GH_TOKEN|TOCSIN_COMMENT_TOKEN|PROMETHEUS_SECRET|KUBECONFIG_TEXT)".*', text)
        assert [line for line in secrets if "umask 077; printf" not in line and "-n" not in line] == [], where


# pre-commit.

# Of pre-commit's manifest (pre_commit/clientlib.py): what must be there, and what may be.
REQUIRED = {"id", "name", "entry", "language"}
OPTIONAL: dict[str, type] = {
    "alias": str,
    "files": str,
    "exclude": str,
    "types": list,
    "types_or": list,
    "exclude_types": list,
    "additional_dependencies": list,
    "args": list,
    "always_run": bool,
    "fail_fast": bool,
    "pass_filenames": bool,
    "description": str,
    "language_version": str,
    "log_file": str,
    "minimum_pre_commit_version": str,
    "require_serial": bool,
    "stages": list,
    "verbose": bool,
}
STAGES = {"commit-msg", "post-checkout", "post-commit", "post-merge", "post-rewrite", "pre-commit", "pre-merge-commit"}
STAGES |= {"pre-push", "pre-rebase", "prepare-commit-msg", "manual"}


@pytest.mark.parametrize("hook", [pytest.param(one, id=one["id"]) for one in yaml.safe_load(HOOKS.read_text())])
def test_hooks(hook: dict[str, Any]) -> None:
    """Each hook has what pre-commit asks for, and nothing that it does not know; its command is one that there is."""
    assert hook.keys() >= REQUIRED
    assert {key: type(value) for key, value in hook.items() if key not in REQUIRED}.items() <= OPTIONAL.items()
    assert set(hook.get("stages", ())) <= STAGES
    assert hook["language"] == "python"
    pattern = re.compile(hook["files"])
    assert [name for name in ("rulepacks/node.yml", "a.yaml", "README.md", "yaml.py") if pattern.search(name)] == [
        "rulepacks/node.yml",
        "a.yaml",
    ]
    program, *arguments = shlex.split(hook["entry"]) + list(hook["args"])
    assert program == "tocsin"
    assert parsed(arguments)["paths"]


# The guide.


def test_the_guide_names_every_step() -> None:
    """docs/guide/ci.md explains each job, variable and hook of the recipes."""
    guide = (GITHUB.parents[3] / "docs/guide/ci.md").read_text()
    jobs = [*JOBS, *(name for name, job in read(GITLAB).items() if isinstance(job, dict) and "script" in job)]
    variables = re.findall(r"\b(?:secrets|vars)\.(\w+)", GITHUB.read_text())
    variables += [*read(GITHUB)["env"], "TOCSIN_COMMENT_TOKEN"]
    assert GUIDED in guide
    hooks = [hook["id"] for hook in yaml.safe_load(HOOKS.read_text())]
    assert [name for name in (*jobs, *variables, *hooks) if f"`{name}`" not in guide] == []
