"""TLS as a client: settings, shared contexts, and what the peer presented."""

from __future__ import annotations

import os
import platform
import ssl
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from monitorpy.errors import NetError
from monitorpy.net.certificate import describe
from monitorpy.net.sockets import DeadlineSSLSocket, received_chain, verified_chain

__all__ = ["TlsSettings", "TlsVersion", "context", "describe", "leaf", "presented_chain", "trusted_path"]

TlsVersion: TypeAlias = Literal["1.0", "1.1", "1.2", "1.3"]

_VERSIONS: dict[TlsVersion, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.MINIMUM_SUPPORTED,  # SSL 3 is in no OpenSSL any more
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_BUNDLES = (  # where distributions keep the system's roots, as truststore looks for them
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the ssl module has no name for."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to do TLS.

    With ``ca_file`` only the certificates in that file are trusted, neither the system's nor certifi's. ``min_version`` below
    "1.2" also admits the keys and ciphers of that time. Without ``verify`` nothing about the certificate is checked, without
    ``check_dates`` all but when it is valid (where OpenSSL verifies; the keychains of macOS and Windows check them always).
    """

    verify: bool = True
    check_hostname: bool = True
    check_dates: bool = True
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    min_version: TlsVersion | None = None
    trust: Literal["system", "certifi"] = "system"
    alpn: tuple[str, ...] = ()


_building = threading.Lock()


def context(settings: TlsSettings) -> ssl.SSLContext:
    """The context for the settings: built once, then shared by all threads (it must not be changed).

    Raises NetError with fault "config" for files that cannot be read, "environment" for a machine without roots.
    """
    if _uses_keychain(settings):
        return _build(settings, _keychain)  # truststore holds a lock during the handshake: a shared one would queue all checks
    with _building:  # reading the roots takes 20 ms; once is enough
        return _shared(settings, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


def leaf(sock: ssl.SSLSocket) -> dict[str, Any] | None:
    """The peer's own certificate as `describe` has it, verified or not; None if it sent none."""
    return next(map(describe, presented_chain(sock)), None)


def presented_chain(sock: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the peer sent (DER), leaf first, verified or not."""
    return received_chain(sock)


def trusted_path(sock: ssl.SSLSocket, settings: TlsSettings) -> list[bytes] | None:
    """The path by which a handshake with these settings was verified (DER): from the leaf to what is trusted; None if unknown."""
    return verified_chain(sock) if settings.verify and not _uses_keychain(settings) else None


def _uses_keychain(settings: TlsSettings) -> bool:
    wants_system = settings.verify and settings.ca_file is None and settings.trust == "system"
    return wants_system and platform.system() in {"Darwin", "Windows"}


@lru_cache(maxsize=256)
def _shared(settings: TlsSettings, _cert_file: str | None, _cert_dir: str | None) -> ssl.SSLContext:
    return _build(settings, _openssl)


def _build(settings: TlsSettings, make: Callable[[TlsSettings], ssl.SSLContext]) -> ssl.SSLContext:
    made = make(settings)
    least = _VERSIONS[settings.min_version or "1.2"]
    if settings.min_version not in {"1.0", "1.1"}:
        made.minimum_version = least
    else:
        with warnings.catch_warnings():  # of the whole process, which other threads notice: only where it has to be
            warnings.simplefilter("ignore", DeprecationWarning)  # "TLSv1_1 is deprecated": that is why someone asks
            made.minimum_version = least
        made.set_ciphers("ALL:!aNULL:@SECLEVEL=0")  # OpenSSL 3 has no TLS below 1.2 at a higher level; aNULL: without a certificate
    if settings.alpn:
        made.set_alpn_protocols(list(settings.alpn))
    if settings.client_cert:
        _load(settings.client_key or settings.client_cert, "client key")  # load_cert_chain does not say which of the two is missing
        _load(settings.client_cert, "client certificate")
        _present(made, settings.client_cert, settings.client_key)
    return made


def _present(made: ssl.SSLContext, certificate: str, key: str | None) -> None:
    def ask() -> str:  # without it OpenSSL would ask on the terminal
        raise _refused("client key", key or certificate, "it has a passphrase: store it without one")

    try:
        made.load_cert_chain(certificate, key, password=ask)
    except OSError as error:
        raise _refused("client certificate", certificate, _openssl_text(error)) from error


def _openssl(settings: TlsSettings) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = DeadlineSSLSocket
    made.check_hostname = settings.verify and settings.check_hostname
    made.hostname_checks_common_name = False  # RFC 9525; as requests has it
    if not settings.check_dates:
        made.verify_flags |= _NO_CHECK_TIME
    if not settings.verify:
        made.verify_mode = ssl.CERT_NONE
    elif settings.ca_file is not None:
        made.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN  # what stands in the file is trusted, root or not
        _trust(made, settings.ca_file)
    elif settings.trust == "certifi":
        import certifi

        _trust(made, certifi.where())
    else:
        _trust_system(made)
    return made


def _keychain(settings: TlsSettings) -> ssl.SSLContext:
    """On macOS and Windows truststore asks the system itself, after the handshake."""
    import truststore

    made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = settings.check_hostname
    inner = cast(Any, made)._ctx  # noqa: SLF001 - the class of its sockets can be set nowhere else
    inner.sslsocket_class = type("DeadlineSSLSocket", (DeadlineSSLSocket, inner.sslsocket_class), {})
    return made


def _trust(made: ssl.SSLContext, path: str) -> None:
    _load(path, "CA file")
    try:
        made.load_verify_locations(path)
    except OSError as error:
        raise _refused("CA file", path, _openssl_text(error)) from error


def _trust_system(made: ssl.SSLContext) -> None:
    """The roots of the system, found as truststore finds them, but read once per context and not at each handshake."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).glob("*.[0-9]"))):
        made.set_default_verify_paths()
    elif bundle := next((path for path in _BUNDLES if Path(path).is_file()), None):
        made.load_verify_locations(bundle)
    else:
        message = "this machine has no CA certificates: install its ca-certificates package, or name a CA file"
        raise NetError(message, phase="tls", kind="environment", fault="environment")


def _load(path: str, what: str) -> None:
    try:
        Path(path).open("rb").close()
    except (OSError, ValueError) as error:
        raise _refused(what, path, getattr(error, "strerror", None) or str(error)) from error


def _refused(what: str, path: str, why: str) -> NetError:
    return NetError(f"{what} {path}: {why}", phase="tls", kind="config", fault="config")


_FILE_FAULTS = (  # as they stand in texts of the ssl module: not all have a reason
    ("NO_CERTIFICATE_OR_CRL_FOUND", "no certificate in it (PEM is expected)"),
    ("KEY_VALUES_MISMATCH", "the key does not belong to the certificate"),
    ("PEM lib", "certificate or key cannot be read (PEM is expected)"),
)


def _openssl_text(error: OSError) -> str:
    return next((text for mark, text in _FILE_FAULTS if mark in str(error)), str(error))
