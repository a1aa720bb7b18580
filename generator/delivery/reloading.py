"""Prometheus told to read its rule files again, and asked whether it runs them now."""

from __future__ import annotations

from collections.abc import Iterable

from generator.delivery.asking import CLOSED, Server
from generator.delivery.compare import Files, compare
from generator.delivery.destination import Piece
from generator.delivery.running import Running, as_run, running, stem
from generator.delivery.wording import summary
from tocsin.errors import DeliveryError
from tocsin.promanswer import QueryError
from tocsin.promapi import Prometheus

STAY = "the files stay as they are written"
BUSY = frozenset({429, 503})  # it is only starting, say; a 500 is about the files, and stays one


class Reloading:
    """The address that is POSTed to, and the Prometheus that is asked afterwards, if it is known."""

    def __init__(self, server: Server, prometheus: Prometheus | None) -> None:
        self._server = server
        self._prometheus = prometheus

    async def finish(self, pieces: Iterable[Piece], *, touched: bool) -> str:
        """What was done: nothing where nothing was written and the rules run already.

        Raises:
            DeliveryError: it did not reload, or does not run the rules all the same.
        """
        files = {stem(piece.name): piece.groups for piece in pieces}
        if not touched and (self._prometheus is None or not await self._amiss(files)):
            return ""
        await self._reload()
        if amiss := await self._amiss(files):
            raise DeliveryError(f"Prometheus reloaded, and {amiss}")
        return "Prometheus reloaded" + (", and runs the rules" if self._prometheus else "")

    async def _reload(self) -> None:
        answer = await self._server.ask("POST", "", transient=BUSY, closed=CLOSED - {403})  # says why itself
        if 200 <= answer.status < 300:
            return
        what = f"Prometheus does not reload ({answer.status}: {answer.said}); {STAY}"
        if answer.status == 500:
            raise DeliveryError(f"{what}, and it runs what it ran before; mend what it names, then apply again")
        raise DeliveryError(f"{what}; start it with --web.enable-lifecycle, or send it SIGHUP")

    async def _amiss(self, files: Files) -> str:
        """What is wrong with what runs; nothing where it cannot be asked."""
        if self._prometheus is None:
            return ""
        try:
            found = await running(self._prometheus)
        except QueryError as error:
            raise DeliveryError(f"{error}; {STAY}") from error
        return _amiss(files, found)


def _amiss(files: Files, found: Running) -> str:
    loaded = {stem(file): groups for file, groups in found.files.items()}
    missing = [name for name, groups in files.items() if groups and name not in loaded]
    if missing:
        names = ", ".join(f"{name}.yml" for name in missing)
        return f"does not run {names}: no pattern under rule_files in its configuration finds the folder"
    ours = {name: as_run(groups, found.interval) for name, groups in files.items()}
    difference = compare({name: loaded.get(name, ()) for name in ours}, ours)
    return f"runs other rules: {summary(difference)}" if difference else ""
