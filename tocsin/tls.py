"""`tls_config`: whom a client of ours believes, and which certificate it shows (prometheus/common: TLSConfig)."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from tocsin.config import Settings

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


def refuse(message: str, hint: str) -> PydanticCustomError:
    """What is wrong with settings of HTTP, and the way out."""
    return PydanticCustomError("http", "{message}", {"message": message, "hint": hint})


class Tls(Settings):
    """Whom we believe, and which certificate we show."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"

    @model_validator(mode="after")
    def _works(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise refuse("cert_file and key_file belong together", "write both")
        for file in (self.ca_file, self.cert_file, self.key_file):
            if file is not None and not os.access(file, os.R_OK):
                raise refuse(f"{file}: cannot be read", "paths count from the configuration's folder")
        try:
            self.context()
        except (ssl.SSLError, OSError) as error:
            hint = "each file holds PEM, and the key is the certificate's"
            raise refuse(f"TLS cannot be set up with this: {error}", hint) from error
        return self

    def context(self) -> ssl.SSLContext:
        """A new context from the files as they are now."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = VERSIONS[self.min_version]
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
