from __future__ import annotations

import socket
import time

import pytest

from monitorpy.core.registry import registry, run_check
from monitorpy.net import dnsquery

PROTOCOLS = ["smtp", "imap", "pop3"]
STRANGE = {"smtp": b"554 no service for you\r\n", "imap": b"* BYE too busy\r\n", "pop3": b"-ERR busy\r\n"}


@pytest.fixture
def script(helper):
    """Makes the server's side of a protocol."""
    servers = helper("servers_mail")
    return lambda protocol, tls=None, **options: getattr(servers, protocol.capitalize())(tls, **options)


@pytest.fixture
def tls(lab_certificates):
    return lab_certificates.issue("mail", days_left=20).context


@pytest.fixture
def ca(lab_certificates):
    return str(lab_certificates.ca_file)


def check(protocol, port, *, timeout=2, **config):
    return run_check("mail_server", {"hostname": "127.0.0.1", "protocol": protocol, "port": port, "timeout": timeout, **config})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain(tcp_server, script, protocol):
    server = tcp_server(script(protocol))
    result = check(protocol, server.port, banner="ready$")
    assert result.is_success(), result
    assert result.message == f"{protocol} server 127.0.0.1:{server.port} answers"
    raw = result.raw_data
    assert set(raw) == {
        *("host", "port", "protocol", "banner", "capabilities", "tls", "certificate", "authenticated", "mx", "delivered"),
    }
    assert "ready" in raw["banner"]
    assert len(raw["capabilities"]) > 2
    assert [raw[key] for key in ("tls", "certificate", "authenticated", "mx", "delivered")] == [None] * 5
    assert result.phases["tls"] is None
    assert result.phases["first_byte"] > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mode", ["use_ssl", "use_tls"])
def test_tls_and_login(tcp_server, script, tls, ca, protocol, mode):  # noqa: PLR0917 - fixtures
    talk = script(protocol, tls)
    server = tcp_server(talk, tls if mode == "use_ssl" else None)
    result = check(protocol, server.port, ca_file=ca, username="alice", password="secret", **{mode: True})
    assert result.is_success(), result
    assert result.message.endswith(", login accepted")
    assert result.raw_data["authenticated"] is True
    assert result.raw_data["tls"]["protocol"] == "TLSv1.3"
    assert result.raw_data["tls"]["cipher"]
    assert result.raw_data["certificate"]["days_remaining"] == pytest.approx(20, abs=0.1)
    assert result.phases["tls"] > 0
    if mode == "use_tls":
        assert "STARTTLS" not in result.raw_data["capabilities"]
        assert check(protocol, server.port, ca_file=ca, use_tls=True, capabilities=["starttls"]).is_success()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_wrong_password_is_one_attempt(tcp_server, script, tls, ca, protocol):
    talk = script(protocol, tls)
    server = tcp_server(talk)
    result = check(protocol, server.port, ca_file=ca, use_tls=True, username="alice", password="wrong-one")
    assert result.is_error()
    assert result.kind == "expectation"
    assert result.message.startswith("login as alice refused: ")
    assert "bad credentials" in result.message
    assert result.raw_data["authenticated"] is False
    assert "wrong-one" not in repr(result)
    assert sum(line.split(" ")[0] == "AUTH" or "AUTHENTICATE" in line for line in talk.log) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_login_in_clear_text(tcp_server, script, protocol):
    talk = script(protocol)
    server = tcp_server(talk)
    refused = check(protocol, server.port, username="alice", password="secret")
    assert refused.fault == "config"
    assert "the password would travel in clear text" in refused.message
    assert server.count == 0
    assert check(protocol, server.port, username="alice", password="secret", allow_plaintext_auth=True).is_success()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_starttls_refused(tcp_server, script, protocol):
    talk = script(protocol)
    server = tcp_server(talk)
    result = check(protocol, server.port, use_tls=True, username="alice", password="secret", capabilities=["X"])
    assert result.is_error()
    assert result.message.startswith("STARTTLS refused: ")
    assert result.raw_data["tls"] is None
    assert result.raw_data["authenticated"] is False
    assert not any("AUTH" in line or "LOGIN" in line or "USER" in line for line in talk.log)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mode", ["use_ssl", "use_tls"])
def test_untrusted_certificate(tcp_server, script, tls, protocol, mode):
    server = tcp_server(script(protocol, tls), tls if mode == "use_ssl" else None)
    result = check(protocol, server.port, **{mode: True})
    assert result.is_error()
    assert result.kind == "tls"
    assert check(protocol, server.port, verify_ssl=False, **{mode: True}).is_success()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_where_there_is_none(tcp_server, script, protocol):
    result = check(protocol, tcp_server(script(protocol)).port, use_ssl=True, timeout=0.5)
    assert result.is_error()
    assert result.raw_data["tls"] is None


@pytest.mark.parametrize(
    "days, status, message",
    [
        ({"warning_days": 19}, "success", ""),
        ({"warning_days": 30, "critical_days": 14}, "warning", "certificate expires in 20.0 days ("),
        ({"critical_days": 20.5}, "error", "UTC), error below 20.5 days"),
    ],
)
def test_certificate_days(tcp_server, script, tls, ca, days, status, message):  # noqa: PLR0917 - fixtures
    result = check("smtp", tcp_server(script("smtp", tls)).port, use_tls=True, ca_file=ca, **days)
    assert result.status == status, result.message
    assert message in result.message


def test_expired_certificate(tcp_server, script, lab_certificates):
    expired = lab_certificates.issue("expired-mail", days_left=-3).context
    result = check("imap", tcp_server(script("imap"), expired).port, use_ssl=True, verify_ssl=False, warning_days=1)
    assert result.status == "warning"
    assert "certificate expired 3.0 days ago" in result.message


@pytest.mark.parametrize(
    "protocol, wanted, missing",
    [
        ("smtp", ["SIZE", "auth plain"], None),
        ("smtp", ["SIZE", "AUTH CRAM-MD5", "DSN"], "AUTH CRAM-MD5, DSN"),
        ("imap", ["AUTH=PLAIN", "idle", "imap4REV1"], None),
        ("imap", ["AUTH=GSSAPI"], "AUTH=GSSAPI"),
        ("pop3", ["SASL LOGIN", "UIDL"], None),
        ("pop3", ["TOP"], "TOP"),
        ("smtp", ["STARTTLS"], "STARTTLS"),
    ],
)
def test_capabilities(tcp_server, script, protocol, wanted, missing):
    result = check(protocol, tcp_server(script(protocol)).port, capabilities=wanted)
    assert result.is_error() == bool(missing)
    if missing:
        assert result.message.startswith(f"missing capabilities: {missing}; offered: ")


def test_no_capabilities_at_all(tcp_server, script):
    talk = script("pop3")
    talk.replies["CAPA"] = b"-ERR unknown command\r\n"
    assert check("pop3", tcp_server(talk).port, capabilities=["UIDL"]).message == "missing capabilities: UIDL; offered: none"


def test_banner_and_time_are_both_shown(tcp_server, script):
    result = check("smtp", tcp_server(script("smtp")).port, banner="Postfix", max_response_time=0.000001)
    assert result.is_error()
    assert "expected a banner that matches 'Postfix', got '220 mail.lab.test ESMTP ready'" in result.message
    assert "response time " in result.message
    assert check("smtp", tcp_server(script("smtp")).port, max_response_time=2).is_success()


SEND = {"test_send": True, "from_email": "monitor@lab.test", "to_email": "alice@lab.test"}


def test_send(tcp_server, script):
    talk = script("smtp")
    result = check("smtp", tcp_server(talk).port, **SEND, subject="grün", message="one\n.two\nthree\n")
    assert result.is_success(), result
    assert result.message.endswith(", test message accepted")
    assert result.raw_data["delivered"] is True
    assert talk.log[1:3] == ["MAIL FROM:<monitor@lab.test>", "RCPT TO:<alice@lab.test>"]
    head, _, body = talk.messages[0].partition(b"\n\n")
    assert b"From: monitor@lab.test\nTo: alice@lab.test\nSubject: =?utf-8?q?gr=C3=BCn?=\nDate: " in head
    assert b"@lab.test>" in head
    assert body.rstrip() == b"one\n..two\nthree"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "MESSAGE"])
def test_send_refused(tcp_server, script, verb):
    talk = script("smtp")
    talk.replies[verb] = b"450-4.2.0 greylisted\r\n450 4.2.0 try later\r\n"
    result = check("smtp", tcp_server(talk).port, **SEND)
    assert result.is_error()
    assert result.message.startswith("test message refused: ")
    assert result.message.endswith(": 450 4.2.0 greylisted 4.2.0 try later")
    assert result.raw_data["delivered"] is False


def test_nothing_is_sent_after_a_refused_login(tcp_server, script):
    talk = script("smtp")
    login = {"username": "alice", "password": "wrong", "allow_plaintext_auth": True}
    result = check("smtp", tcp_server(talk).port, **SEND, **login)
    assert result.is_error()
    assert not any(line.startswith("MAIL") for line in talk.log)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("banner", ["refusal", "junk", "binary"])
def test_strange_banners(tcp_server, script, protocol, banner):
    talk = script(protocol)
    talk.replies["BANNER"] = {"refusal": STRANGE[protocol], "junk": b"HTTP/1.1 400 Bad Request\r\n", "binary": b"\xff\x00\n"}[banner]
    result = check(protocol, tcp_server(talk).port)
    assert result.is_error()
    assert (result.fault, result.kind) == ("target", "protocol")
    assert "for the banner" in result.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("peer", ["silent", "trickling", "flooding", "lines", "resetting", "closing"])
def test_misbehaving_servers(tcp_server, scripts, protocol, peer, ms):
    endless = {"smtp": b"220-x\r\n", "imap": b"* x\r\n", "pop3": b"+OK x\r\n"}[protocol]
    server = tcp_server(
        {
            "silent": scripts.silent,
            "trickling": scripts.trickling(10 * ms),
            "flooding": scripts.flooding(b"x"),
            "lines": scripts.flooding(endless),
            "resetting": scripts.resetting,
            "closing": scripts.closing_after(b""),
        }[peer]
    )
    started = time.monotonic()
    result = check(protocol, server.port, timeout=300 * ms)
    assert result.is_error()
    assert result.fault == "target"
    assert result.kind in {"timeout", "reset", "protocol"}
    assert time.monotonic() - started < 300 * ms + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_silence_in_the_middle(tcp_server, script, protocol, ms):
    talk = script(protocol)
    talk.replies |= dict.fromkeys(("EHLO", "CAPABILITY", "CAPA"), b"")
    started = time.monotonic()
    result = check(protocol, tcp_server(talk).port, timeout=200 * ms)
    assert result.kind == "timeout"
    assert "the answer to " in result.message
    assert result.raw_data["banner"] is not None
    assert time.monotonic() - started < 200 * ms + 1


def test_refused_connection():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        result = check("smtp", sock.getsockname()[1])
    assert (result.fault, result.kind) == ("target", "connect")
    assert result.raw_data["phase"] == "connect"


@pytest.fixture
def domain(dns_server):
    return {"resolve_mx": True, "nameserver": f"127.0.0.1:{dns_server.port}"}


def test_mx(tcp_server, script, dns_server, domain):
    dns_server.add("lab.test.", "MX", "20 backup.lab.test.", "10 localhost.")
    server = tcp_server(script("smtp"))
    result = run_check("mail_server", {"hostname": "lab.test", "protocol": "smtp", "port": server.port, "ip_family": "ipv4", **domain})
    assert result.is_success(), result
    assert result.raw_data["host"] == "localhost"
    assert result.raw_data["mx"] == [{"preference": 10, "host": "localhost"}, {"preference": 20, "host": "backup.lab.test"}]
    assert result.phases["dns"] > 0


def test_no_mx(dns_server, domain):
    dns_server.add("lab.test.", "A", "192.0.2.1")
    dns_server.add("null.test.", "MX", "0 .")
    config = {"protocol": "smtp", **domain}
    none = run_check("mail_server", {"hostname": "lab.test", **config})
    assert (none.kind, none.raw_data["mx"]) == ("resolve", [])
    assert none.message.startswith("lab.test has no MX records (NOERROR from 127.0.0.1:")
    gone = run_check("mail_server", {"hostname": "gone.test", **config})
    assert "(NXDOMAIN from" in gone.message
    null = run_check("mail_server", {"hostname": "null.test", **config})
    assert null.message == "null.test takes no mail: its MX record is the null MX"


def test_mx_from_the_systems_name_server(monkeypatch, dns_server):
    monkeypatch.setattr(dnsquery, "system_servers", lambda: [dnsquery.Server("127.0.0.1", dns_server.port)])
    result = run_check("mail_server", {"hostname": "gone.test", "protocol": "smtp", "resolve_mx": True})
    assert "NXDOMAIN" in result.message


@pytest.mark.parametrize(
    "config, port",
    [
        ({"protocol": "smtp"}, 25),
        ({"protocol": "smtp", "use_tls": True}, 587),
        ({"protocol": "smtp", "use_ssl": True}, 465),
        ({"protocol": "smtp", "use_tls": True, "resolve_mx": True}, 25),
        ({"protocol": "imap", "use_tls": True}, 143),
        ({"protocol": "imap", "use_ssl": True}, 993),
        ({"protocol": "pop3"}, 110),
        ({"protocol": "pop3", "use_ssl": True}, 995),
        ({"protocol": "pop3", "port": 1110}, 1110),
    ],
)
def test_default_ports(config, port):
    plugin = registry.get_plugin("mail_server", {"hostname": "a.test"} | config)
    assert plugin.settings.server_port == port
    assert plugin.get_host() == (None if "resolve_mx" in config else "a.test")


@pytest.mark.parametrize(
    "config, message",
    [
        ({"protocol": "nntp"}, "protocol: must be 'smtp', 'imap' or 'pop3'"),
        ({"use_ssl": True, "use_tls": True}, "exclude one another"),
        ({"ca_file": "x", "warning_days": 5}, "warning_days without use_ssl or use_tls would not be looked at"),
        ({"use_tls": True, "warning_days": 5, "critical_days": 6}, "critical_days: must not be more than warning_days"),
        ({"use_tls": True, "username": "a"}, "username and password belong together"),
        ({"use_tls": True, "password": "a"}, "username and password belong together"),
        ({"use_tls": True, "username": "a\r\nQUIT", "password": "b"}, "username: must not hold line breaks"),
        ({"use_tls": True, "username": "a", "password": "b\nQUIT"}, "password: must not hold line breaks"),
        ({"test_send": True}, "test_send needs from_email and to_email"),
        ({**SEND, "subject": "a\r\nBcc: b@c.test"}, "subject: must not hold line breaks or other control characters"),
        ({**SEND, "to_email": "a@b.test>\r\nDATA"}, "to_email: must not hold line breaks"),
        ({**SEND, "to_email": "a@b.test> SIZE=1"}, "to_email: must be a bare address in ASCII"),
        ({**SEND, "from_email": "grün@b.test"}, "from_email: must be a bare address in ASCII"),
        ({**SEND, "protocol": "imap"}, "test_send needs protocol smtp"),
        ({"protocol": "pop3", "resolve_mx": True}, "resolve_mx needs protocol smtp"),
        ({"to_email": "a@b.test"}, "to_email without test_send: true: nothing would be sent"),
        ({"resolve_mx": True, "nameserver": "a:b"}, "must be an address, address:port or [IPv6]:port"),
        ({"resolve_mx": True, "hostname": "a..b"}, "'a..b' is no domain name"),
        ({"banner": "["}, "banner: "),
        ({"capabilities": []}, "must not be empty"),
        ({"warning_days": float("nan")}, "warning_days: must be a number of days"),
    ],
)
def test_refused_configs(config, message):
    result = run_check("mail_server", {"hostname": "127.0.0.1", "protocol": "smtp"} | config)
    assert result.fault == "config", result
    assert message in result.message


def test_refused_password_is_not_shown():
    config = {"hostname": "a", "protocol": "smtp", "use_tls": True, "username": "a", "password": "geheim\nQUIT"}
    assert "geheim" not in repr(run_check("mail_server", config))


def test_declaration():
    cls = registry.get("mail_server")
    assert cls.__name__ == "MailServerPlugin"
    assert cls.cli_name == "mail"
    assert cls.get_required_config() == ["hostname", "protocol"]
