"""`tocsin rules check` and `tocsin rules checks`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from generator.server_options import HttpConfigFile, address_if_any
from tocsin.options import Output

if TYPE_CHECKING:
    from datetime import timedelta

    from generator.context import Settings
    from tocsin.problem import Level

DEFAULT_CHECKS = ".tocsin-checks.yml"  # of the folder in which the command is run

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", readable=False, help="Rulepacks, Prometheus rule files, PrometheusRules, folders."),
]
Format = Annotated[Literal["text", "json", "sarif", "github"], typer.Option("--format", help="How it is printed.")]
Severities = Annotated[
    list[str] | None,
    typer.Option("--severity", metavar="CHECK=LEVEL", help="error, warning, info or off; may be repeated."),
]
ChecksFile = Annotated[
    str,
    typer.Option(
        "--checks", metavar="FILE", help="Levels by check, path and rule; .tocsin-checks.yml is read by itself."
    ),
]
ScrapeInterval = Annotated[
    str, typer.Option("--scrape-interval", metavar="DURATION", help="How often metrics are scraped, such as 30s.")
]
Version = Annotated[
    str, typer.Option("--prometheus-version", metavar="X.Y", help="The oldest Prometheus that loads the rules.")
]
Url = Annotated[str, typer.Option("--prometheus.url", metavar="URL", help="Ask this server which series exist.")]


def register(rules: typer.Typer) -> None:
    """Adds the commands to `tocsin rules`."""
    commands: Mapping[str, Callable[..., None]] = {"check": check, "checks": list_checks}
    for name, command in commands.items():
        rules.command(name)(command)


def check(
    paths: Paths,
    checks: ChecksFile = "",
    severity: Severities = None,
    scrape_interval: ScrapeInterval = "",
    prometheus_version: Version = "",
    prometheus_url: Url = "",
    http_config: HttpConfigFile = None,
    output_format: Format = "text",
) -> None:
    """Shows every problem of rulepacks and rule files with its place, and writes nothing.

    \b
    Example:
      tocsin rules check rulepacks/
      tocsin rules check /etc/prometheus/rules/*.yml --scrape-interval 15s
      tocsin rules check manifests/ --format sarif --severity missing-runbook=off
      tocsin rules check manifests/ --checks ci/checks.yml
      tocsin rules check rules/ --prometheus.url https://prometheus:9090 --http.config.file http.yml
    """
    from generator.checking import check_paths
    from generator.reports import FORMATS
    from tocsin.problem import has_errors, summary

    settings = _settings(checks, severity or (), scrape_interval, prometheus_version)
    with _without_collector():
        checked = check_paths(paths, settings, address_if_any(prometheus_url, http_config), http_config)
    text = FORMATS[output_format](checked.problems, checked.sources)
    if output_format != "text":
        typer.echo(text)
    else:
        if text:
            typer.echo(text, err=True)
        typer.echo(f"checked {checked.counted}: {summary(checked.problems)}")
    raise typer.Exit(int(has_errors(checked.problems)))


def list_checks(output_format: Output = "text") -> None:
    """Lists the checks: how bad a finding is, and what each finds.

    \b
    Example:
      tocsin rules checks
      tocsin rules checks --format json
    """
    import json

    from generator.checks import CHECKS

    rows = [
        {"check": name, "severity": one.severity, "online": one.online, "about": one.about}
        for name, one in CHECKS.items()
    ]
    if output_format == "json":
        typer.echo(json.dumps({"checks": rows}, indent=2))
        return
    width = max(map(len, CHECKS))
    for name, one in CHECKS.items():
        online = " (asks --prometheus.url)" if one.online else ""
        typer.echo(f"{name:<{width}}  {one.severity:<7}  {one.about}{online}")


@contextmanager
def _without_collector() -> Iterator[None]:
    """Trees and places have no cycles and live to the end: looking for garbage took a sixth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _settings(checks: str, severities: Sequence[str], scrape_interval: str, version: str) -> Settings:
    """What the options say, and beneath it the file.

    Raises:
        InputError: with every problem of the file.
    """
    from generator.context import Settings

    given = Settings(
        scrape_interval=_interval(scrape_interval),
        prometheus_version=_version(version),
        severities=dict(_severities(severities)),
    )
    if not checks and not Path(DEFAULT_CHECKS).is_file():
        return given
    from generator import checksfile

    file = Path(checks or DEFAULT_CHECKS)
    read = checksfile.load(file)
    levels, overrides = read.in_effect(file.parent, given.severities)
    return Settings(
        scrape_interval=given.scrape_interval or read.scrape_interval,
        prometheus_version=given.prometheus_version or read.prometheus_version,
        severities=levels,
        overrides=overrides,
    )


def _severities(given: Sequence[str]) -> Iterable[tuple[str, Level | None]]:
    from generator.checks import CHECKS
    from tocsin.problem import Level

    levels: tuple[Level, ...] = get_args(Level)
    for text in given:
        name, _, word = text.partition("=")
        if name not in CHECKS:
            hint = "tocsin rules checks lists those that exist"
            raise typer.BadParameter(f"there is no check {name!r}; {hint}", param_hint="--severity")
        if word not in (*levels, "off"):
            raise typer.BadParameter(f"{word!r} is none of error, warning, info, off", param_hint="--severity")
        yield name, next((level for level in levels if level == word), None)


def _interval(text: str) -> timedelta | None:
    from tocsin import duration

    try:
        return duration.parse(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scrape-interval") from None


def _version(text: str) -> tuple[int, int] | None:
    from generator import version

    try:
        return version.parse(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--prometheus-version") from None
