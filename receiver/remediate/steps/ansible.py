"""Steps of kind `ansible`: a playbook of the worker's folder, on hosts of its inventory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from receiver.remediate.step import StepSettings
from receiver.remediate.steps.arguments import text_of
from receiver.remediate.steps.paths import FileOf, Folder, refuse
from receiver.remediate.values import Unfit, Values, names_in
from tocsin.config import Settings

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")  # no pattern of Ansible's: no `all`-but, list, file or regex


def _playbook(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name.startswith("-") or path.suffix not in (".yml", ".yaml"):
        raise refuse("playbook", f"{name!r} is no playbook of the folder", "write it as restart.yml or web/restart.yml")
    if names_in(name):
        raise refuse("playbook", "the playbook comes from a value", "write its name; values may stand in extra_vars")
    return name


def _variable(name: str) -> str:
    if name.startswith("ansible_"):
        hint = "set it in the inventory or in the playbook"
        raise refuse("variable", f"{name} says how Ansible connects; a runbook may not set it", hint)
    return name


def _tag(tag: str) -> str:
    if names_in(tag):
        raise refuse("tags", "a tag comes from a value", "write it out; a value may stand in extra_vars")
    return tag


def _limit(limit: str) -> str:
    if limit.startswith(("-", "@")):
        raise refuse("limit", f"{limit!r} is no host", "write it as $(host), or as a host or group of the inventory")
    return limit


VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"), AfterValidator(_variable)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_$().:-]+$"), AfterValidator(_tag)]


class AnsibleEdge(Settings):
    """Where playbooks lie, and with what they are run."""

    directory: Folder = Field(description="The folder of the playbooks; an ansible.cfg in it counts.")
    inventory_file: FileOf = Field(description="The inventory: a file, a folder, or a program that prints one.")
    key_file: FileOf | None = Field(None, description="The private key for SSH.")
    vault_password_file: FileOf | None = Field(None, description="The password of Ansible's vault.")
    environment: dict[str, str] = Field({}, description="Environment variables: `ANSIBLE_REMOTE_USER: tocsin`.")


class AnsibleStep(StepSettings):
    """A playbook. Values of the alert stand in its variables as plain text, which Ansible never evaluates."""

    KIND: ClassVar[str] = "ansible"
    TIMEOUT: ClassVar[timedelta] = timedelta(minutes=10)

    playbook: Annotated[str, AfterValidator(_playbook)] = Field(description="Its file in the folder of playbooks.")
    limit: Annotated[str, StringConstraints(min_length=1), AfterValidator(_limit)] = Field(
        description="Where it runs: `$(host)`, which must be one host of the inventory; a fixed text may be a group."
    )
    extra_vars: dict[VariableName, str | int | float | bool] = Field(
        {}, description="Variables of the playbook; their texts may name values."
    )
    tags: tuple[Tag, ...] = Field((), description="Only the tasks with one of these tags.")
    check: bool = Field(False, description="Ansible's check mode: it tells what it would change, and changes nothing.")

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        """In words what will be run and where, and the arguments for ansible-runner."""
        limit = values.fill(self.limit)
        one = bool(names_in(self.limit))
        if one and not HOST.fullmatch(limit):
            raise Unfit(
                f"limit {self.limit!r} would be {limit[:60]!r}, which is no host's name: give the value a pattern"
            )
        variables = {
            name: text_of(value, values) if isinstance(value, str) else value for name, value in self.extra_vars.items()
        }
        told = "".join(f" {name}={json.dumps(value, ensure_ascii=False)}" for name, value in variables.items())
        does = f"play {self.playbook} on {limit}{' with' + told if told else ''}"
        does += f", tags {', '.join(self.tags)}" if self.tags else ""
        does += ", in check mode" if self.check else ""
        arguments = {"playbook": self.playbook, "limit": limit, "one_host": one, "extra_vars": variables}
        return does, {**arguments, "tags": list(self.tags), "check": self.check}
