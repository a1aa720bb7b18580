"""Where the receiver listens, and who is asked there: nothing that other machines reach is open to everybody."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.config import ReceiverConfig
from tocsin.guard import Guard
from tocsin.serving import Listen, only_known

WEB = "basic_auth_users or client certificates in --web.config.file"
PEOPLE = f"configure users, who then ask by token, or {WEB} (docs/reference/access.md)"
SOURCES = f"configure sources, each with its proof, or {WEB}"


@dataclass(frozen=True, slots=True)
class Outside:
    """Whoever comes from another machine is known: by --web.config.file, or as a user and as a source."""

    listen: Listen
    guard: Guard

    def checked(self, config: ReceiverConfig) -> ReceiverConfig:
        """A configuration under which nobody comes in unasked.

        Raises:
            UsageError: somebody would.
        """
        asks = self.guard.config.asks
        only_known(self.listen, asks=asks or bool(config.users), way_out=PEOPLE)
        only_known(self.listen, asks=asks or bool(config.sources), way_out=SOURCES, whom="who sends webhooks")
        return config

    def taken(self, config: ReceiverConfig) -> None:
        """That configuration counts now: --web.config.file may not stop asking where nothing else does."""
        self.guard.must_ask = not self.listen.loopback and not (config.users and config.sources)

    def only_tokens(self) -> bool:
        """Whether other machines reach us, and --web.config.file asks nobody."""
        return not self.listen.loopback and not self.guard.config.asks
