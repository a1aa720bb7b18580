"""`tocsin incidents replay`: what the engine makes of a recorded storm, without a receiver."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.options import Output

if TYPE_CHECKING:
    from receiver.config import ReceiverConfig
    from receiver.replay.played import Played
    from receiver.replay.storm import Storm
    from tocsin.problem import Problem


SHOWN = 50  # problems


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", readable=False, allow_dash=True, help="The recorded storm; - is standard input."
        ),
    ],
    config_file: Annotated[
        Path | None, typer.Option("--config.file", readable=False, help="The receiver's configuration.")
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option("--compare", readable=False, help="Another configuration: says what it would have made of it."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--output", help="Where to write. Default: standard output.")] = None,
    output: Output = "text",
) -> None:
    """Plays a recorded storm through the engine, on a clock of its own.

    Each line of FILE is {"at": time, "body": webhook body}, as `tocsin receiver record` writes it; it may be
    compressed. With --format json one object is printed for each alert, with its incident and its rank as a cause.

    \b
    Example:
      tocsin incidents replay storm.jsonl.gz --config.file receiver.yml --compare stricter.yml
    """
    from receiver.replay import compare
    from receiver.replay.storm import Storm
    from receiver.replay.text import story
    from tocsin.problem import as_text, has_errors

    configs = [_config(config_file), *([_config(other)] if other else [])]
    storm = Storm(file, max(config.max_body_bytes for config in configs))
    played = [_play(storm, config) for config in configs]
    if len(played) > 1:
        found = compare.compare(*played)
        names = str(config_file or "the defaults"), str(other)
        _write(to, _json([found.as_json()], indent=2) if output == "json" else compare.in_words(found, names) + "\n")
    else:
        _write(to, _json(played[0].objects()) if output == "json" else story(played[0]) + "\n")
    problems = [*storm.problems, *_quarantined(played[0], storm.name)]
    if problems:
        more = f"\nand {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        typer.echo(as_text(problems[:SHOWN]) + more, err=True)
    raise typer.Exit(int(has_errors(problems)))


def _config(file: Path | None) -> ReceiverConfig:
    from receiver.config import ReceiverConfig
    from tocsin.config import load

    return load(file, ReceiverConfig) if file else ReceiverConfig()


def _play(storm: Storm, config: ReceiverConfig) -> Played:
    from receiver.onsets.files import holds_in
    from receiver.prepared import rules_of
    from receiver.replay.play import play

    holds = holds_in(config.rule_files)
    return play(storm.bodies, lambda: rules_of(config, holds))


def _quarantined(played: Played, name: str) -> list[Problem]:
    from tocsin.problem import Position, Problem

    hint = "a receiver keeps it in quarantine and opens an incident, as here"
    return [
        Problem("quarantine", f"a body that is not understood: {why}", Position(name, line), hint, severity="warning")
        for line, why in played.quarantined
    ]


def _json(objects: Iterable[object], indent: int | None = None) -> str:
    return "".join(json.dumps(one, ensure_ascii=False, indent=indent) + "\n" for one in objects)


def _write(to: Path | None, text: str) -> None:
    from tocsin.errors import TocsinError
    from tocsin.files import replacing

    if to is None:
        typer.echo(text, nl=False)
        return
    try:
        with replacing(to) as stream:
            stream.write(text)
    except OSError as error:
        raise TocsinError(f"{to}: cannot be written: {error.strerror}") from error
