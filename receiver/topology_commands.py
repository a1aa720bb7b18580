"""`tocsin topology`: what depends on what, shown, found out and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from receiver.cli import write
from tocsin.cli import group
from tocsin.options import Output

if TYPE_CHECKING:
    from receiver.topology.edge import Judged

topology = group("""What depends on what: the graph that tells causes from consequences.

\b
Example:
  tocsin topology show --config.file receiver.yml
  tocsin topology discover --prometheus.url http://127.0.0.1:9090
  tocsin topology check --config.file receiver.yml --url http://127.0.0.1:9095
""")

ConfigFile = Annotated[
    Path, typer.Option("--config.file", readable=False, help="The receiver's configuration, with `topology`.")
]
PrometheusUrl = Annotated[str, typer.Option("--prometheus.url", metavar="URL", help="The server to ask.")]
HttpConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--http.config.file",
        metavar="FILE",
        readable=False,
        help="How to ask it: basic_auth, authorization, oauth2, tls_config, http_headers, as promtool has it.",
    ),
]


Since = Annotated[str, typer.Option("--since", metavar="DURATION", help="How far back.")]


@topology.command()
def show(
    config_file: ConfigFile = Path("receiver.yml"),
    drawn: Annotated[
        Literal["text", "json", "mermaid", "svg"], typer.Option("--format", help="How it is drawn.")
    ] = "text",
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes; else it is printed.")
    ] = None,
) -> None:
    """Draws the graph that a configuration declares.

    \b
    Example:
      tocsin topology show --config.file receiver.yml
      tocsin topology show --config.file receiver.yml --format svg --output topology.svg
    """
    from receiver.topology.file import with_edges
    from receiver.topology.showing import drawn_as

    found = with_edges(config_file).topology
    picture = drawn_as(drawn, found.label, found.edges)
    if out is None:
        typer.echo(picture, nl=False)
    else:
        write(picture, out)


@topology.command()
def discover(
    prometheus_url: PrometheusUrl,
    config_file: Annotated[
        Path | None, typer.Option("--config.file", readable=False, help="Compare with what this file declares.")
    ] = None,
    origin: Annotated[
        Literal["service-graph", "labels", "kubernetes"],
        typer.Option("--from", help="Metrics of tracing and meshes; any metric with two labels; pods on nodes."),
    ] = "service-graph",
    match: Annotated[
        str, typer.Option("--match", metavar="SELECTOR", help="Which series; with --from labels, of which metric.")
    ] = "",
    caller: Annotated[str, typer.Option("--caller", metavar="LABEL", help="With --from labels: who asks.")] = "",
    dependency: Annotated[
        str, typer.Option("--dependency", metavar="LABEL", help="With --from labels: who is asked.")
    ] = "",
    since: Since = "1h",
    http_config: HttpConfigFile = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes; else it is printed.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Add new edges to the configuration in --output; nothing is removed.")
    ] = False,
    output: Annotated[Literal["yaml", "json"], typer.Option("--format", help="How it is printed.")] = "yaml",
) -> None:
    """Finds out from Prometheus what depends on what; prints YAML to paste, or adds it to a configuration.

    \b
    Example:
      tocsin topology discover --prometheus.url http://127.0.0.1:9090 --config.file receiver.yml
      tocsin topology discover --prometheus.url http://127.0.0.1:9090 --output receiver.yml --update
      tocsin topology discover --prometheus.url http://127.0.0.1:9090 --from labels \\
        --match http_client_requests_total --caller app --dependency target
    """
    from receiver.topology.asking import server
    from receiver.topology.edge import compared, counted
    from receiver.topology.file import declared
    from receiver.topology.finding import Request, duration_of, find, parsed
    from receiver.topology.showing import found_as

    if update and out is None:
        raise typer.BadParameter("needs --output FILE: the configuration to edit", param_hint="--update")
    if update and config_file is not None and config_file != out:
        raise typer.BadParameter("--update compares with --output; leave --config.file out", param_hint="--config.file")
    if update and out is not None and not out.exists():
        raise typer.BadParameter(f"{out} does not exist; leave --update out to write it", param_hint="--output")
    if out is not None and out.exists() and not update:
        raise typer.BadParameter(f"{out} exists; add --update to put the new edges into it", param_hint="--output")
    known = out if update else config_file
    topology = declared(known).topology if known else None
    request = parsed(Request(origin, match, caller, dependency, duration_of(since)))
    edges = compared(find(server(prometheus_url, http_config), request), topology.edges if topology else {})
    if update and out is not None:
        _update(out, edges)
        return
    text = found_as(output, topology.label if topology else "service", edges, request)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write(text, out)
    typer.echo(counted(edges), err=True)


def _update(out: Path, edges: list[Judged]) -> None:
    from receiver.topology.edge import counted
    from receiver.topology.fragment import said
    from receiver.topology.update import update

    added = update(out, edges)
    for edge in edges:
        if edge.state != "declared":
            typer.echo(f"{edge.caller} → {edge.dependency}  ({said(edge)})")
    typer.echo(f"{out}: {len(added)} added; {counted(edges)}", err=True)


@topology.command()
def check(
    config_file: ConfigFile = Path("receiver.yml"),
    url: Annotated[
        str | None, typer.Option("--url", help="Compare with the alerts of this receiver (TOCSIN_TOKEN_FILE).")
    ] = None,
    prometheus_url: PrometheusUrl = "",
    since: Since = "7d",
    http_config: HttpConfigFile = None,
    output: Output = "text",
) -> None:
    """Says what is odd about the declared graph: circles, names that no alert ever had, alerts that are not in it.

    \b
    Example:
      tocsin topology check --config.file receiver.yml
      tocsin topology check --config.file receiver.yml --prometheus.url http://127.0.0.1:9090 --since 14d
    """
    from receiver.topology.file import with_edges
    from receiver.topology.finding import duration_of
    from receiver.topology.judge import judge
    from receiver.topology.seeing import alerts_of
    from tocsin.problem import as_json, as_text, has_errors, summary

    declared = with_edges(config_file)
    seen = alerts_of(url, prometheus_url, http_config, declared.topology.label, duration_of(since))
    problems = judge(declared, seen)
    if output == "json":
        typer.echo(as_json(problems))
    else:
        if problems:
            typer.echo(as_text(problems))
        compared = (
            f"compared with the alerts of {seen.where}" if seen else "not compared with alerts: --url, --prometheus.url"
        )
        typer.echo(f"{config_file}: {summary(problems)}; {compared}", err=bool(problems))
    raise typer.Exit(int(has_errors(problems)))
