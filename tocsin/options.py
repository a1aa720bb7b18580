"""Options that several commands share: one spelling, one help text.

Paths are taken with `readable=False`: what cannot be read is told by whoever reads it, with the way out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ListenAddress = Annotated[str, typer.Option("--web.listen-address", help="Where to listen.")]
WebConfigFile = Annotated[
    Path | None,
    typer.Option("--web.config.file", readable=False, help="TLS and basic authentication, as exporter-toolkit has it."),
]
EnableLifecycle = Annotated[
    bool, typer.Option("--web.enable-lifecycle", help="POST /-/reload reads the configuration again.")
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], typer.Option("--log.level", help="How much is told.")
]
LogFormat = Annotated[Literal["logfmt", "json"], typer.Option("--log.format", help="How it is told.")]
Output = Annotated[Literal["text", "json"], typer.Option("--format", help="How it is printed.")]
