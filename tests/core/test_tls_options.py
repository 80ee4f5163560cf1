from __future__ import annotations

import pytest

from monitorpy.core.plugin_config import parse_config
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, TrustOptions, VerifyOptions
from monitorpy.errors import ConfigError
from monitorpy.net.tls import TlsSettings


class Config(ReachOptions, VerifyOptions, ExpiryOptions):
    pass


def certificate(days, *, subject="CN=x", lifetime=90.0):
    return {"subject": subject, "days_remaining": days, "not_after": "2026-12-24T12:00:00+00:00", "lifetime_days": lifetime}


def failures(*chain, **config):
    return [(f.path, f.expected, f.severity, str(f)) for f in parse_config(Config, config).expiry_failures(chain, "certificate.")]


def test_settings_for_tls():
    given = {"ca_file": "ca.pem", "trust": "certifi", "client_cert": "c.pem", "client_key": "k.pem"}
    assert parse_config(Config, given).tls_settings(alpn=("h2",)) == TlsSettings(**given, alpn=("h2",))
    assert parse_config(Config, {"verify_ssl": False}).tls_settings() == TlsSettings(verify=False, check_hostname=False)
    assert parse_config(TrustOptions, {}).tls_settings(verify=False) == TlsSettings(verify=False)


@pytest.mark.parametrize(
    "config, key, message",
    [
        ({"client_key": "k.pem"}, "client_key", "which is missing"),
        ({"warning_days": 5, "critical_days": 6}, "critical_days", "the warning could never be seen"),
        ({"warning_days": "1"}, "warning_days", "must be a number of days"),
        ({"trust": "nobody"}, "trust", "must be 'system' or 'certifi'"),
        ({"ip_family": "ipv5"}, "ip_family", "did you mean"),
    ],
)
def test_mistakes_are_told_where_they_are(config, key, message):
    with pytest.raises(ConfigError) as refused:
        parse_config(Config, config)
    (issue,) = refused.value.issues
    assert issue.loc == (key,)
    assert message in issue.message


def test_nothing_is_expected_unless_asked_for():
    assert failures(certificate(0.5)) == []
    assert failures(warning_days=5) == []


def test_every_certificate_must_live_long_enough():
    when = "(2026-12-24 12:00 UTC)"
    found = failures(certificate(20), certificate(4.5, subject="CN=ca"), warning_days="33%", critical_days=5)
    assert found == [
        ("certificate.days_remaining", ">= 29.7", "warning", f"certificate expires in 20.0 days {when}, warning below 29.7 days"),
        (
            "certificate.chain[1].days_remaining",
            ">= 5",
            "error",
            f"certificate 'CN=ca' (number 2 of 2 sent) expires in 4.5 days {when}, error below 5 days",
        ),
    ]


def test_a_share_is_of_the_lifetime_of_the_leaf():
    assert failures(certificate(20, lifetime=50), certificate(20, lifetime=5000), warning_days="33%") == []


def test_one_that_has_expired():
    ((_, _, severity, text),) = failures(certificate(-3), warning_days=1)
    assert (severity, text) == ("warning", "certificate expired 3.0 days ago (2026-12-24 12:00 UTC), warning below 1 days")
