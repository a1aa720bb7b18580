"""`--web.config.file`: TLS, basic authentication and headers, in the format of Prometheus's exporter-toolkit.

Source: prometheus/exporter-toolkit docs/web-configuration.md and web/tls_config.go. What Python's TLS cannot do is
refused with the way out, never passed over in silence.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tocsin.config import Settings

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
ClientAuth = Literal[
    "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert", "RequestClientCert", "RequireAnyClientCert"
]

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)


def _readable(file: Path) -> Path:
    try:
        file.read_bytes()
    except OSError as error:
        said = {"error": f"{file}: {error.strerror}", "hint": "paths count from the web configuration's folder"}
        raise PydanticCustomError("file", "{error}", said) from error
    return file


def _hash(value: str) -> str:
    if not BCRYPT.fullmatch(value):
        hint = "write the user's bcrypt hash: htpasswd -nBC 10 '' | tr -d ':\\n' makes one"
        raise PydanticCustomError("bcrypt", "is no bcrypt hash", {"hint": hint})
    return value


File = Annotated[Path, AfterValidator(_readable)]
Hash = Annotated[str, AfterValidator(_hash)]
UserName = Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f]+$")]


def openssl_name(suite: str) -> str:
    """Go's name of a TLS 1.2 cipher suite in OpenSSL's words: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and the like."""
    name = suite.removeprefix("TLS_").replace("_WITH_", "_").replace("AES_128", "AES128").replace("AES_256", "AES256")
    name = name.removeprefix("RSA_").replace("_CBC", "")
    return (name.removesuffix("_SHA256") if "POLY1305" in name else name).replace("_", "-")


class TlsSettings(Settings):
    """The certificate that is shown, and which certificates are asked for."""

    cert_file: File = Field(description="The server's certificate, with what it was signed by.")
    key_file: File = Field(description="Its private key.")
    client_auth_type: ClientAuth = Field("NoClientCert", description="Whether clients show certificates.")
    client_ca_file: File | None = Field(None, description="Who may have signed clients' certificates.")
    client_allowed_sans: tuple[str, ...] = Field((), description="A client's certificate must have one of these.")
    min_version: Version = Field("TLS12", description="The oldest TLS that is spoken.")
    max_version: Version = Field("TLS13", description="The newest TLS that is spoken.")
    cipher_suites: tuple[str, ...] = Field((), description="For TLS 1.2, by Go's names; none: OpenSSL's own choice.")
    prefer_server_cipher_suites: bool = Field(True, description="The server's order counts, not the client's.")
    curve_preferences: tuple[Literal["CurveP256", "CurveP384", "CurveP521", "X25519"], ...] = Field(
        (), description="The one curve that is offered."
    )

    @model_validator(mode="after")
    def _works(self) -> Self:
        if self.client_auth_type not in VERIFY:
            hint = "VerifyClientCertIfGiven, or RequireAndVerifyClientCert, with a client_ca_file"
            why = "{kind} asks for certificates without verifying them, which Python's TLS cannot"
            raise PydanticCustomError("client-auth", why, {"kind": self.client_auth_type, "hint": hint})
        if (self.client_auth_type == "NoClientCert") != (self.client_ca_file is None):
            hint = "set both: client_auth_type: RequireAndVerifyClientCert, and client_ca_file"
            why = "client_ca_file and a client_auth_type that verifies belong together"
            raise PydanticCustomError("client-auth", why, {"hint": hint})
        if self.client_allowed_sans and self.client_ca_file is None:
            hint = "add client_ca_file and client_auth_type: RequireAndVerifyClientCert"
            raise PydanticCustomError("client-auth", "client_allowed_sans needs verified clients", {"hint": hint})
        if len(self.curve_preferences) > 1:
            raise PydanticCustomError("tls", "Python's TLS can offer one curve", {"hint": "name one, or none for all"})
        try:
            self.context()
        except (ssl.SSLError, OSError, ValueError) as error:
            said = {"error": str(error), "hint": "look at the certificate, its key, the suites and the curve"}
            raise PydanticCustomError("tls", "TLS cannot be set up with this: {error}", said) from error
        return self

    def context(self) -> ssl.SSLContext:
        """A new TLS context from the files as they are now.

        Raises:
            OSError, ValueError: it cannot be made of them.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = VERSIONS[self.min_version]
        context.maximum_version = VERSIONS[self.max_version]
        context.load_cert_chain(self.cert_file, self.key_file)
        context.verify_mode = VERIFY[self.client_auth_type]
        if self.client_ca_file is not None:
            context.load_verify_locations(self.client_ca_file)
        if self.prefer_server_cipher_suites:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        older = [openssl_name(suite) for suite in self.cipher_suites if "_WITH_" in suite]  # 1.3's are not chosen
        if older:
            context.set_ciphers(":".join(older))
        for curve in self.curve_preferences:
            context.set_ecdh_curve(CURVES[curve])
        return context

    @property
    def files(self) -> Sequence[Path]:
        """What the context is made of."""
        return [file for file in (self.cert_file, self.key_file, self.client_ca_file) if file is not None]


class HttpSettings(Settings):
    """How HTTP is spoken."""

    http2: bool = Field(True, description="Taken for compatibility: HTTP/1.1 is spoken in any case.")
    headers: dict[str, str] = Field({}, description=f"Stand in every answer; of {', '.join(HEADERS)}.")

    @model_validator(mode="after")
    def _headers_are_known(self) -> Self:
        for name, value in self.headers.items():
            if name not in HEADERS or not value.isprintable():
                hint = f"known here: {', '.join(HEADERS)}, with one line of text each"
                raise PydanticCustomError("header", "{name} cannot be set", {"name": name, "hint": hint})
        return self


class WebConfig(Settings):
    """The whole file; an empty one is plain HTTP for everybody."""

    tls_server_config: TlsSettings | None = Field(None, description="TLS; without it the server speaks plain HTTP.")
    http_server_config: HttpSettings = Field(HttpSettings(), description="How HTTP is spoken.")
    basic_auth_users: dict[UserName, Hash] = Field({}, description="Who may call: name and bcrypt hash.")

    @property
    def asks(self) -> bool:
        """Whether every caller must prove something: a password, or a certificate that TLS verifies."""
        tls = self.tls_server_config
        return bool(self.basic_auth_users) or (tls is not None and VERIFY[tls.client_auth_type] == ssl.CERT_REQUIRED)
