"""Steps of kind `exec`: a program of this machine, by its argument list; no shell reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from receiver.remediate.step import StepSettings
from receiver.remediate.steps.arguments import filled_argument, in_words, text_of
from receiver.remediate.steps.paths import FileOf, Folder, refuse
from receiver.remediate.values import Values, names_in
from tocsin.config import OneOrMore, Settings

# Those that run a text as a program, and the options that say so; an empty pattern: any argument may be one.
_INTERPRETERS = (
    (re.compile(r"(?:ba|da|z|k|mk|c|tc|fi|a)?sh"), re.compile(r"-[A-Za-z]*c[A-Za-z]*|--command(?:=.*)?", re.DOTALL)),
    (re.compile(r"python[0-9.]*"), re.compile(r"-[A-Za-z]*c.*", re.DOTALL)),
    (
        re.compile(r"(?:perl|ruby|lua|node|nodejs|php)[0-9.]*"),
        re.compile(r"-[A-Za-z]*[eEpr].*|--(?:eval|print|run).*", re.DOTALL),
    ),
    (re.compile(r"[gmn]?awk|ssh|su|watch"), re.compile("")),
)

# What changes how programs are found and started; what we set ourselves.
_RESERVED = re.compile(
    r"(?:TOCSIN_|LD_|DYLD_|BASH_FUNC_).*|PATH|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PYTHONPATH|PYTHONHOME|PYTHONSTARTUP"
    r"|PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|NODE_OPTIONS"
)


def _variable(name: str) -> str:
    if _RESERVED.fullmatch(name):
        raise refuse(
            "variable", f"{name} may not be set by a runbook", "take another name; PATH is remediation.exec.path"
        )
    return name


Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"), AfterValidator(_variable)]


class ExecEdge(Settings):
    """What programs of runbooks get from this machine."""

    allow: tuple[Folder, ...] = Field(
        (), description="The folders from which programs may be started; none: nothing may."
    )
    secrets: dict[str, FileOf] = Field(
        {}, description="Secrets by the name that steps use, each a file that only the worker reads."
    )
    path: str = Field(
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", description="`PATH` of the programs."
    )
    umask: Annotated[str, StringConstraints(pattern="^0?[0-7]{3}$")] = Field(
        "077", description="The rights that files do not get which they make."
    )
    memory_megabytes: int | None = Field(None, ge=16, description="How much memory one may ask for.")
    open_files: int | None = Field(None, ge=16, description="How many files one may have open.")
    processor_seconds: int | None = Field(None, ge=1, description="How much processor time one may use.")

    @property
    def limits(self) -> Mapping[str, int]:
        """As setrlimit(2) calls them."""
        memory = None if self.memory_megabytes is None else self.memory_megabytes * 1024 * 1024
        named = {"AS": memory, "NOFILE": self.open_files, "CPU": self.processor_seconds}
        return {name: most for name, most in named.items() if most is not None}


class ExecStep(StepSettings):
    """A program with its arguments. Values of the alert stand in arguments by `$(name)`, or in the environment."""

    KIND: ClassVar[str] = "exec"

    command: OneOrMore[str] = Field(description="The program, by its absolute path, and its arguments.")
    env: dict[Variable, str] = Field({}, description="Environment variables; their texts may name values.")
    secrets: dict[Variable, str] = Field(
        {}, description="Environment variables that hold secrets, each by its name in `remediation.exec.secrets`."
    )
    directory: Folder = Field(Path("/"), description="Where it runs.")
    expect_exit: OneOrMore[Annotated[int, Field(ge=0, le=255)]] = Field(
        (0,), description="The exit codes that mean success."
    )

    @model_validator(mode="after")
    def _safe(self) -> Self:
        for why, hint in _unsafe(self.command):
            raise refuse("command", why, hint)
        twice = sorted(set(self.env) & set(self.secrets))
        if twice:
            raise refuse("command", f"{twice[0]} stands in env and in secrets", "take another name for one of them")
        return self

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        """In words what will be run, and its arguments, environment and the names of its secrets."""
        command = [filled_argument(text, values) for text in self.command]
        arguments: dict[str, object] = {"command": command, "directory": str(self.directory)}
        if self.env:
            arguments["env"] = {name: text_of(text, values) for name, text in self.env.items()}
        if self.secrets:
            arguments["secrets"] = dict(self.secrets)
        arguments["expect_exit"] = list(self.expect_exit)
        return f"run {in_words(command)}", arguments


def _unsafe(command: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    program = command[0]
    if names_in(program):
        yield "the program comes from a value", "write its path; values may stand in its arguments"
    if not program.startswith("/") or ".." in Path(program).parts:
        yield f"{program!r} is no absolute path", "write it as /usr/local/lib/runbooks/rotate-logs"
    for text in command:
        if "\0" in text:
            yield "an argument holds a NUL, which no program can take", "leave it out"
        if re.match(r"-+\$\(", text) and names_in(text):
            yield f"in {text!r} a value says which option it is", "write the option out: --host=$(host)"
    if any(names_in(text) for text in command) and runs_text(command):
        hint = 'give the value by env (env: {HOST: $(host)}) and write "$HOST" in the text, or call a program\'s file'
        yield "a value of an alert beside a text that is run as a program", hint


def runs_text(command: tuple[str, ...]) -> bool:
    """Whether an interpreter, wherever it stands, is told to run one of its arguments."""
    for at, text in enumerate(command):
        for names, option in _INTERPRETERS:
            told = not option.pattern or any(option.fullmatch(one) for one in command[at + 1 :])
            if told and names.fullmatch(text.rpartition("/")[2]):
                return True
    return False
