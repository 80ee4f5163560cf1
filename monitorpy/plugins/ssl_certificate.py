"""A TLS certificate.

The chain is captured by a handshake that checks nothing and judged after, so that there is evidence however bad it is;
a second handshake, to the same address, asks OpenSSL whether to trust it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from time import perf_counter
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from monitorpy.core.fields import SpanField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, TrustOptions
from monitorpy.errors import NetError
from monitorpy.net import chain as judge
from monitorpy.net.connect import Connection, connect
from monitorpy.net.starttls import UPGRADES, StartTls, start_tls
from monitorpy.net.tls import TlsSettings, TlsVersion, describe, presented_chain

_OF_CHAIN = ("subject", "issuer", "not_after", "days_remaining", "key_type", "key_bits", "signature_algorithm")
_OF_LEAF = (
    "subject", "issuer", "sans", "serial_number", "fingerprint_sha256", "not_before", "not_after", "days_remaining", "lifetime_days",
)  # fmt: skip


def _host(value: str) -> str:
    if "/" in value or any(c.isspace() for c in value):
        raise ValueError("must be a host name or address, not a URL")
    if value.startswith("[") or value.count(":") == 1:
        raise ValueError("must be a host name or address alone: the port goes into port, and an IPv6 address has no brackets here")
    return value


def _fingerprint(value: str) -> str:
    digits = value.replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("must be a SHA-256 fingerprint: 64 hexadecimal digits, colons between them or not")
    return digits


Host = Annotated[str, Field(min_length=1), AfterValidator(_host)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


@register_plugin("ssl_certificate")
class SslCertificatePlugin(PluginTemplate):
    """A TLS certificate: expiry, chain, host name, strength."""

    cli_name = "ssl"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, TrustOptions, ExpiryOptions):
        """What is expected of the certificate; see docs/plugins/ssl_certificate/configuration.md."""

        hostname: Host = Field(description="Host name or address to connect to; also the name that the certificate must be for.")
        port: Port | None = Field(None, description="TCP port (default 443; with starttls that of the protocol).")
        server_name: Host | None = Field(None, description="Name to ask for (SNI) and to expect in the certificate, if not hostname.")
        starttls: StartTls | None = Field(None, description="Protocol in which to ask for TLS before the handshake.")
        warning_days: SpanField | None = Field(
            None, description='Days left below which to warn, or a share of the lifetime ("33%"); default the smaller of 30 days and 1/3.'
        )
        critical_days: SpanField | None = Field(
            None, description="Days left below which it is an error, or a share of the lifetime; default the smaller of 14 days and 1/6."
        )
        verify_hostname: bool = Field(default=True, description="Whether the certificate must be for the host.")
        check_chain: bool = Field(default=True, description="Whether a trusted authority must vouch for the certificate.")
        min_version: TlsVersion = Field("1.2", description="Oldest TLS version that is accepted.")
        fingerprint: Fingerprint | None = Field(None, description="SHA-256 fingerprint that the certificate must have (hexadecimal).")
        sans: list[Host] | None = Field(None, min_length=1, description="Names that the certificate must be for, all of them.")

        def day_limits(self, lifetime: float) -> tuple[float, float]:
            """A warning alone given pulls the default for errors below it."""
            warning = self.warning_days.of(lifetime) if self.warning_days else min(30.0, lifetime / 3)
            critical = self.critical_days.of(lifetime) if self.critical_days else min(14.0, lifetime / 6, warning / 2)
            return warning, critical

    settings: Config

    def _execute_check(self) -> CheckResult:
        self.phases.update(dns=None, connect=None, tls=None)
        started = perf_counter()
        with self._connected(self.phases) as connection:
            self._secure(connection, self._tls(verify=False))
            seconds = perf_counter() - started
            captured = _Captured(connection)
        flaws = list(self._refusals(captured))
        raw = captured.observation(self.settings.hostname)
        raw["verified"] = not flaws if self.settings.check_chain else None
        raw["verify_error"] = flaws[0].text if flaws else None
        expiring = [f for f in self.settings.expiry_failures(captured.chain) if f.actual > 0]  # those that have expired are among the flaws
        failures = [*map(_failure, flaws), *expiring, *self._weaknesses(captured)]
        return self.judged_result(self._success(captured), failures, seconds, raw)

    def _connected(self, phases: dict[str, float | None], address: str | None = None) -> Connection:
        config = self.settings
        port = config.port or (UPGRADES[config.starttls].port if config.starttls else 443)
        return connect(config.hostname, port, self.deadline, family=config.ip_family, address=address or self.address, phases=phases)

    def _tls(self, *, verify: bool) -> TlsSettings:
        """Old versions, short keys and weak hashes are let in, as they are for us to judge; so is the host name."""
        return self.settings.tls_settings(verify=verify, check_hostname=False, min_version="1.0")

    @property
    def _name(self) -> str:
        return self.settings.server_name or self.settings.hostname

    def _secure(self, connection: Connection, settings: TlsSettings) -> None:
        if self.settings.starttls is None:
            connection.start_tls(settings, self._name)
        else:
            start_tls(self.settings.starttls, connection, settings, self._name)

    def _refusals(self, captured: _Captured) -> Iterator[judge.Flaw]:
        """Why a careful client would refuse the certificate."""
        yield from judge.validity_flaws(captured.chain)
        if self.settings.check_chain and (distrust := self._distrust(captured)):
            yield distrust
        if self.settings.verify_hostname and (wrong := judge.host_flaw(captured.chain[0], self._name)):
            yield wrong

    def _distrust(self, captured: _Captured) -> judge.Flaw | None:
        """Why the chain is not trusted; asked of OpenSSL by a second handshake."""
        try:
            with self._connected({}, captured.address) as connection:
                self._secure(connection, self._tls(verify=True))
        except NetError as broken:
            if isinstance(broken.__cause__, ssl.SSLCertVerificationError):
                return judge.trust_flaw(broken.__cause__, captured.chain, captured.issuer_urls())
            raise
        return None

    def _weaknesses(self, captured: _Captured) -> Iterator[Failure]:
        """Keys, signatures and versions that are too weak, and what the config itself expects of the certificate."""
        config, leaf = self.settings, captured.chain[0]
        yield from map(_failure, judge.strength_flaws(captured.chain))
        if _version(captured.protocol) < _version(config.min_version):
            text = f"old protocol: the server offers {captured.protocol} at best, expected TLS {config.min_version} or newer"
            yield Failure("protocol", f"TLS {config.min_version} or newer", captured.protocol, message=text)
        if config.fingerprint and config.fingerprint != (found := leaf["fingerprint_sha256"]):
            yield Failure(
                "fingerprint_sha256", config.fingerprint, found, message=f"expected fingerprint {config.fingerprint}, got {found}"
            )
        for name in config.sans or ():
            if not (name.lower() in map(str.lower, leaf["sans"]) or judge.covers(leaf["sans"], name)):
                yield Failure(
                    "sans",
                    f"a name for {name}",
                    leaf["sans"],
                    message=f"the certificate is not for {name} but for {', '.join(leaf['sans'])}",
                )

    def _success(self, captured: _Captured) -> str:
        leaf = captured.chain[0]
        left = judge.days(leaf["days_remaining"])
        return f"certificate of {self._name} is valid for {left} (until {judge.stamp(leaf['not_after'])}), {captured.protocol}"


class _Captured:
    """What a connection presented. Raises NetError if there is no certificate in it, or none that can be read."""

    def __init__(self, connection: Connection) -> None:
        sock = connection.tls
        assert sock is not None  # the handshake is over
        self.address, self.port = connection.address, connection.port
        self.protocol = sock.version() or ""
        self.cipher = (sock.cipher() or ("",))[0]
        self.ders = presented_chain(sock)
        if not self.ders:
            raise NetError(f"{connection.sock.peer} sent no certificate ({self.cipher})", phase="tls", kind="protocol")
        try:
            self.chain = [describe(der) for der in self.ders]
        except ValueError as error:
            raise NetError(f"a certificate of {connection.sock.peer} cannot be read: {error}", phase="tls", kind="protocol") from error

    def issuer_urls(self) -> list[str | None]:
        return [judge.issuer_url(der) for der in self.ders]

    def observation(self, host: str) -> dict[str, Any]:
        return {
            "host": host,
            "port": self.port,
            "address": self.address,
            "protocol": self.protocol,
            "cipher": self.cipher,
            **{key: self.chain[0][key] for key in _OF_LEAF},
            "chain": [{key: certificate[key] for key in _OF_CHAIN} for certificate in self.chain],
        }


def _failure(flaw: judge.Flaw) -> Failure:
    return Failure(flaw.path, flaw.expected, flaw.actual, message=flaw.text)


def _version(text: str) -> tuple[int, int]:
    """Of "TLSv1.2", "TLSv1" and "1.2"."""
    major, _, minor = text.removeprefix("TLSv").partition(".")
    return int(major), int(minor or 0)
