"""Certificates for tests: an authority, what it signs, and contexts that trust it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs certificates and writes them as the PEM files that configurations name."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, name: str = "server") -> trustme.LeafCert:
        """Writes `NAME.pem` and `NAME.key` for 127.0.0.1, in place of what lay there."""
        leaf = self._ca.issue_cert("127.0.0.1", "localhost")
        leaf.private_key_pem.write_to_path(str(self._folder / f"{name}.key"))
        (self._folder / f"{name}.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        return leaf

    def client(self, *names: str, common_name: str | None = None) -> ssl.SSLContext:
        """What a client needs that shows a certificate with these names; with none, one that shows nothing."""
        context = ssl.create_default_context(cafile=str(self.file))
        if names:
            self._ca.issue_cert(*names, common_name=common_name).configure_cert(context)
        return context
