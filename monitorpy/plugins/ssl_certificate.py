"""A TLS certificate.

The chain is captured by a handshake that checks nothing and judged after, so that there is evidence however bad it is;
a second handshake, to the same address, asks OpenSSL whether to trust it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from monitorpy.core.fields import SpanField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure, Severity
from monitorpy.core.tls_options import MOST_DAYS, ExpiryOptions, ReachOptions, TrustOptions
from monitorpy.errors import NetError
from monitorpy.net import chain as judge
from monitorpy.net.connect import Connection, connect
from monitorpy.net.hostnames import covers
from monitorpy.net.presented import Presented, entry
from monitorpy.net.sockets import DeadlineSSLSocket
from monitorpy.net.starttls import UPGRADES, StartTls, start_tls
from monitorpy.net.tls import TlsSettings, TlsVersion, describe
from monitorpy.net.trust import Verdict, ask, unasked

_PATIENCE = 1.0
"""Seconds in which a server may say what it thinks of a client certificate."""
_SHOWN = 20
"""Failures in a message."""


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

        def day_limits(self, lifetime: float, *, leaf: bool = True) -> tuple[float, float]:
            """A warning alone given pulls the default for errors below it."""
            warning, critical = super().day_limits(lifetime, leaf=leaf)
            if self.warning_days is None:
                warning = min(MOST_DAYS[0], lifetime / 3)
            if self.critical_days is None:
                critical = min(MOST_DAYS[1], lifetime / 6, warning / 2)
            return warning, critical

    settings: Config

    def _execute_check(self) -> CheckResult:
        self.phases.update(dns=None, connect=None, tls=None)
        started = perf_counter()
        raw: dict[str, Any] = {}
        try:
            return self._looked_at(started, raw)
        except NetError as broken:
            return self.broken_result(broken, perf_counter() - started, raw)

    def _looked_at(self, started: float, raw: dict[str, Any]) -> CheckResult:
        """The result; ``raw`` gets what is known as soon as it is."""
        with self._connected(self.phases) as connection:
            try:
                self._secure(connection, self._tls(verify=False))
            except NetError:
                with suppress(NetError):  # certificates may have come before it broke off
                    raw |= self._observed(Presented.on(connection))
                raise
            seconds = perf_counter() - started
            presented = Presented.on(connection)
            raw |= self._observed(presented)
            failures = list(self._unsaid(connection))
        verdict = ask(presented, self._shake, self._tls(verify=True)) if self.settings.check_chain else unasked(presented)
        flaws = list(self._refusals(verdict))
        failures += [*map(_failure, flaws), *self._shortcomings(verdict)]
        raw |= self._observed(verdict.presented, verdict, [flaw.text for flaw in flaws if flaw.severity == "error"])
        return self.judged_result(self._success(verdict.presented), _bounded(failures), seconds, raw)

    def _observed(self, presented: Presented, verdict: Verdict | None = None, fatal: Sequence[str] = ()) -> dict[str, Any]:
        return presented.observation(self.settings.hostname) | {
            "verified": not fatal if verdict and self.settings.check_chain else None,
            "verify_error": fatal[0] if fatal else None,
            "verified_chain": [entry(describe(der)) for der in verdict.path] if verdict and verdict.trusted else None,
        }

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

    @contextmanager
    def _shake(self, address: str, settings: TlsSettings) -> Iterator[Connection]:
        """Another connection to the same address, and its handshake."""
        with self._connected({}, address) as connection:
            self._secure(connection, settings)
            yield connection

    def _unsaid(self, connection: Connection) -> Iterator[Failure]:
        """Whether our certificate is accepted: in TLS 1.3 a server says no only after the handshake, and yes by going on."""
        sock = connection.sock
        if not self.settings.client_cert or not isinstance(sock, DeadlineSSLSocket) or sock.version() != "TLSv1.3":
            return
        if not sock.last_word(_PATIENCE):
            text = f"{sock.peer} did not say within {_PATIENCE:g} s whether it accepts the client certificate"
            yield Failure("client_cert", "accepted", None, "warning", text)

    def _refusals(self, verdict: Verdict) -> Iterator[judge.Flaw]:
        """Why a careful client would refuse the certificate."""
        yield from judge.validity_flaws(verdict.chain)
        yield from verdict.flaws
        if self.settings.verify_hostname and (wrong := judge.host_flaw(verdict.presented.chain[0], self._name)):
            yield wrong

    def _shortcomings(self, verdict: Verdict) -> Iterator[Failure]:
        """Days that are too few, keys, signatures and versions that are too weak, and what the config expects of the certificate."""
        config, leaf, protocol = self.settings, verdict.presented.chain[0], verdict.presented.protocol
        yield from (f for f in config.expiring(verdict.chain) if f.actual > 0)  # those that have expired are refused
        yield from map(_failure, judge.strength_flaws(verdict.chain))
        if _version(protocol) < _version(config.min_version):
            text = f"old protocol: the server offers {protocol} at best, expected TLS {config.min_version} or newer"
            yield Failure("protocol", f"TLS {config.min_version} or newer", protocol, message=text)
        if config.fingerprint and config.fingerprint != (found := leaf["fingerprint_sha256"]):
            text = f"expected fingerprint {config.fingerprint}, got {found}"
            yield Failure("fingerprint_sha256", config.fingerprint, found, message=text)
        for name in config.sans or ():
            if not (name.lower() in map(str.lower, leaf["sans"]) or covers(leaf["sans"], name)):
                text = f"the certificate is not for {name} but for {', '.join(leaf['sans']) or 'no name at all':.300}"
                yield Failure("sans", f"a name for {name}", leaf["sans"], message=text)

    def _success(self, presented: Presented) -> str:
        leaf = presented.chain[0]
        left = judge.days(leaf["days_remaining"])
        return f"certificate of {self._name} is valid for {left} (until {judge.stamp(leaf['not_after'])}), {presented.protocol}"


def _failure(flaw: judge.Flaw) -> Failure:
    return Failure(flaw.path, flaw.expected, flaw.actual, flaw.severity, flaw.text)


def _bounded(failures: list[Failure]) -> list[Failure]:
    """A server may send hundreds of certificates, each with flaws: a message need not name them all."""
    if len(failures) <= _SHOWN:
        return failures
    others = failures[_SHOWN:]
    severity: Severity = "error" if any(f.severity == "error" for f in others) else "warning"
    return [*failures[:_SHOWN], Failure("chain", "no flaws", len(failures), severity, f"and {len(others)} flaws more")]


def _version(text: str) -> tuple[int, int]:
    """Of "TLSv1.2", "TLSv1" and "1.2"."""
    major, _, minor = text.removeprefix("TLSv").partition(".")
    return int(major), int(minor or 0)
