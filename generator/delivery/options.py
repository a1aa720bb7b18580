"""Where rules are brought to, as the command line says it: one option a field, shared by plan, apply and drift."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer


@dataclass(frozen=True, slots=True)
class Of:
    """The kinds of places that read an option; the empty one is a server whose rules only run."""

    kinds: tuple[str, ...]


DIRECTORY, MIMIR, KUBERNETES = Of(("directory",)), Of(("mimir",)), Of(("kubernetes",))
RUNNING, TENANT, ASKED = Of(("", "directory")), Of(("", "mimir")), Of(("", "directory", "mimir"))


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; each destination reads its own fields (`generator.delivery.registry`)."""

    to: Annotated[str, typer.Option("--to", metavar="directory|kubernetes|mimir", help="What kind of place.")] = ""
    prometheus_version: Annotated[
        str, typer.Option("--prometheus-version", metavar="VERSION", help="The oldest that must take the rules.")
    ] = "2.42"
    directory: Annotated[
        Path | None,
        typer.Option("--directory", metavar="DIR", help="directory: the folder that Prometheus reads."),
        DIRECTORY,
    ] = None
    prometheus_url: Annotated[
        str,
        typer.Option("--prometheus.url", metavar="URL", help="The Prometheus that runs the rules; is told to reload."),
        RUNNING,
    ] = ""
    reload_url: Annotated[
        str,
        typer.Option("--reload-url", metavar="URL", help="directory: what is POSTed to instead of URL/-/reload."),
        DIRECTORY,
    ] = ""
    ruler_url: Annotated[
        str,
        typer.Option("--ruler.url", metavar="URL", help="mimir: the ruler, such as http://mimir:8080/prometheus."),
        MIMIR,
    ] = ""
    tenant_id: Annotated[
        str, typer.Option("--tenant-id", metavar="ID", help="mimir: the tenant, by X-Scope-OrgID."), TENANT
    ] = ""
    namespace_prefix: Annotated[
        str, typer.Option("--namespace-prefix", metavar="TEXT", help="mimir: how namespaces of ours begin."), MIMIR
    ] = "tocsin."
    http_config: Annotated[
        Path | None,
        typer.Option(
            "--http.config.file",
            metavar="FILE",
            readable=False,
            help="How to ask: basic_auth, authorization, tls_config, http_headers, as promtool has it.",
        ),
        ASKED,
    ] = None
    timeout: Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long one request may take.")] = (
        "30s"
    )
    kubeconfig: Annotated[
        Path | None,
        typer.Option("--kubeconfig", metavar="FILE", readable=False, help="kubernetes: how to reach it."),
        KUBERNETES,
    ] = None
    context: Annotated[
        str, typer.Option("--context", metavar="NAME", help="kubernetes: of the kubeconfig."), KUBERNETES
    ] = ""
    namespace: Annotated[
        str, typer.Option("--namespace", metavar="NAME", help="kubernetes: of the objects."), KUBERNETES
    ] = ""
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="kubernetes: put on each object; may be repeated."),
        KUBERNETES,
    ] = None
    set_name: Annotated[
        str,
        typer.Option("--set", metavar="NAME", help="kubernetes: which of several deliveries this is; required."),
        KUBERNETES,
    ] = ""


def misplaced(options: Options) -> str:
    """An option that was given and is not of the place that was named; nothing where there is none."""
    for field, hint in get_type_hints(Options, include_extras=True).items():
        _, option, *of = get_args(hint)
        default = next(one.default for one in fields(Options) if one.name == field)
        if of and options.to not in of[0].kinds and getattr(options, field) not in (default, []):
            return str(option.default)  # where typer keeps the name until it makes the command
    return ""


def taking_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field in the place of its parameter `options`."""
    hints = get_type_hints(Options, include_extras=True)
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "options"]
    given = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(Options)
    ]

    @wraps(command)
    def run(**values: Any) -> None:
        options = Options(**{field.name: values.pop(field.name) for field in fields(Options)})
        command(options=options, **values)

    parameters = [*own, *given]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
