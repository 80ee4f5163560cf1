"""Parts that the Configs of checks over TLS have in common. Importing this module imports pydantic."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from monitorpy.core.fields import SpanField
from monitorpy.core.plugin_config import ConfigSection, PluginConfig
from monitorpy.core.result import Failure, Severity
from monitorpy.core.spans import Span
from monitorpy.net import chain as judge
from monitorpy.net.tls import TlsSettings

Text = Annotated[str, Field(min_length=1)]

MOST_DAYS = (30.0, 14.0)
"""Days left below which to warn and to fail, at most, where a share of the lifetime counts."""


class ReachOptions(PluginConfig):
    """How to get to the target."""

    ip_family: Literal["any", "ipv4", "ipv6"] = Field("any", description="Address family to connect with.")


class TrustOptions(ConfigSection):
    """Whom to trust, and how to show who we are."""

    ca_file: Text | None = Field(None, description="File of CA certificates (PEM) to trust instead of the system's.")
    trust: Literal["system", "certifi"] = Field(
        "system", description="Whose CA certificates to trust without ca_file: the system's, or those of the certifi package."
    )
    client_cert: Text | None = Field(None, description="File with the client certificate (PEM).")
    client_key: Text | None = Field(None, description="File with its key (PEM), if not in the same file.")

    @field_validator("client_key")
    @classmethod
    def _key_of_certificate(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key and not info.data.get("client_cert"):
            raise ValueError("is the key of a client_cert, which is missing")
        return key

    def tls_settings(self, **more: Any) -> TlsSettings:
        """The settings for `net.tls`; ``more`` are fields of TlsSettings."""
        given = {"ca_file": self.ca_file, "trust": self.trust, "client_cert": self.client_cert, "client_key": self.client_key}
        return TlsSettings(**{**given, **more})


class VerifyOptions(TrustOptions):
    """The same for checks that are not about the certificate itself: it is verified, or nothing about it is."""

    verify_ssl: bool = Field(default=True, description="Verify the certificate and the host name.")

    def tls_settings(self, **more: Any) -> TlsSettings:
        return super().tls_settings(verify=self.verify_ssl, check_hostname=self.verify_ssl, **more)


class ExpiryOptions(PluginConfig):
    """How long certificates must still be valid."""

    warning_days: SpanField | None = Field(
        None, description='Days that the certificate must still be valid, or a share of its lifetime ("33%"); fewer is a warning.'
    )
    critical_days: SpanField | None = Field(
        None, description="Days that the certificate must still be valid, or a share of its lifetime; fewer is an error."
    )

    @field_validator("critical_days")
    @classmethod
    def _critical_after_warning(cls, critical: Span | None, info: ValidationInfo) -> Span | None:
        warning: Span | None = info.data.get("warning_days")
        if warning and critical and warning.never_reached_before(critical):
            raise ValueError("must not be more than warning_days: the warning could never be seen")
        return critical

    def day_limits(self, lifetime: float, *, leaf: bool = True) -> tuple[float, float]:
        """Days left below which to warn and to fail, for a certificate of that lifetime (days); -inf where nobody asked.

        Authorities live for years: a share of that would always alert, one of the leaf's days never in time. So they have
        a share of their own lifetime, but at most `MOST_DAYS`.
        """

        def limit(span: Span | None, most: float) -> float:
            if span is None:
                return -math.inf
            return span.of(lifetime) if leaf or span.share is None else min(span.of(lifetime), most)

        return limit(self.warning_days, MOST_DAYS[0]), limit(self.critical_days, MOST_DAYS[1])

    def expiry_failures(self, chain: Sequence[Mapping[str, Any]], prefix: str = "") -> Iterator[Failure]:
        """Each certificate (as `describe` has it, leaf first) that is not valid for long enough.

        ``prefix`` is where the chain is in the observation ("certificate.").
        """
        return self.expiring(judge.links(chain), prefix)

    def expiring(self, chain: Sequence[judge.Link], prefix: str = "") -> Iterator[Failure]:
        """The same for certificates in their places; of a root, and of one that nobody needs, it is a warning at most."""
        for link in chain:
            left = link.certificate["days_remaining"]
            warning, critical = self.day_limits(link.certificate["lifetime_days"], leaf=link.part == "leaf")
            severity: Severity = "error" if left < critical and link.part in {"leaf", "intermediate"} else "warning"
            limit = critical if severity == "error" else max(warning, critical)
            if left < limit:
                when = judge.stamp(link.certificate["not_after"])
                state = f"expires in {judge.days(left, unlike=limit)}" if left > 0 else f"expired {judge.days(-left)} ago"
                span = judge.days(limit).replace(".0 days", " days")
                text = f"{link.name} {state} ({when}), {severity} below {span}"
                yield Failure(prefix + link.place("days_remaining"), f">= {limit:g}", left, severity, text)
