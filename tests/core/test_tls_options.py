from __future__ import annotations

import pytest

from monitorpy.core.plugin_config import parse_config
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, TrustOptions, VerifyOptions
from monitorpy.errors import ConfigError
from monitorpy.net.chain import links
from monitorpy.net.tls import TlsSettings


class Config(ReachOptions, VerifyOptions, ExpiryOptions):
    pass


def certificate(days, *, subject="CN=x", issuer="CN=above", lifetime=90.0):
    return {
        "subject": subject,
        "issuer": issuer,
        "days_remaining": days,
        "not_after": "2026-12-24T12:00:00+00:00",
        "lifetime_days": lifetime,
        "fingerprint_sha256": f"{subject}{days}",
    }


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
            f"intermediate certificate 'CN=ca' (number 2 of 2 sent) expires in 4.5 days {when}, error below 5 days",
        ),
    ]


@pytest.mark.parametrize(
    "left, severity",
    [
        (15.0001, None),
        (15.0, None),
        (14.9999, "warning"),
        (14.9, "warning"),
        (7.0, "warning"),
        (6.9999, "error"),
        (0.0, "error"),
        (-1, "error"),
    ],
)
def test_below_is_below(left, severity):
    assert [f[2] for f in failures(certificate(left), warning_days=15, critical_days=7)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    "left, lifetime, alerts",
    [
        (31, 3650, False),  # a third of ten years would always alert
        (29, 3650, True),
        (2.9, 6, False),  # it is short-lived itself
        (1.9, 6, True),
        (29, 60, False),
        (19, 60, True),
    ],
)
def test_a_share_of_an_authority_has_a_limit(left, lifetime, alerts):
    found = failures(certificate(5, lifetime=6), certificate(left, subject="CN=ca", lifetime=lifetime), warning_days="33%")
    assert bool(found) is alerts


def test_days_of_an_authority_have_none():
    found = failures(certificate(90), certificate(50, subject="CN=ca", lifetime=3650), warning_days=60, critical_days="10%")
    assert [f[2] for f in found] == ["warning"]
    assert [f[2] for f in failures(certificate(90), certificate(13.9, subject="CN=ca", lifetime=3650), critical_days="10%")] == ["error"]


def test_a_root_and_what_nobody_needs_are_warnings_at_most():
    leaf, root = certificate(90), certificate(3, subject="CN=r", issuer="CN=r")
    spare = certificate(2, subject="CN=s")
    found = list(parse_config(Config, {"critical_days": 10}).expiring(links([leaf, spare], [leaf, root])))
    assert [(f.severity, f.path) for f in found] == [
        ("warning", "chain[1].days_remaining"),
        ("warning", "verified_chain[1].days_remaining"),
    ]
    assert str(found[1]).startswith("root certificate 'CN=r' (trusted here, not sent) expires in 3.0 days (")
    assert str(found[1]).endswith(", warning below 10 days")


def test_one_that_has_expired():
    ((_, _, severity, text),) = failures(certificate(-3), warning_days=1)
    assert (severity, text) == ("warning", "certificate expired 3.0 days ago (2026-12-24 12:00 UTC), warning below 1 days")
