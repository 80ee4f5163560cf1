from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta

import dns.rcode
import dns.rdatatype
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from monitorpy.core.execution import execute
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.mail import delivery
from monitorpy.net.mail.smtp import SmtpClient

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
        *("host", "port", "address", "protocol", "banner", "capabilities", "tls", "certificate"),
        *("authenticated", "mx", "delivered", "confirmed_after"),
    }
    assert "ready" in raw["banner"]
    assert len(raw["capabilities"]) > 2
    assert [raw[key] for key in ("tls", "certificate", "authenticated", "mx", "delivered", "confirmed_after")] == [None] * 6
    assert raw["address"] == "127.0.0.1"
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
    assert result.message.endswith(": 450 4.2.0 greylisted 4.2.0 try later (temporary: a later attempt may pass)")
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
    assert ("refuses service: " if banner == "refusal" else "for the banner") in result.message
    assert result.raw_data["banner"] or protocol == "smtp"


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


GO_AHEAD = {"smtp": ("STARTTLS", b"220 go\r\n"), "imap": ("STARTTLS", b"TAG OK go\r\n"), "pop3": ("STLS", b"+OK go\r\n")}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("peer", ["silent", "closing", "resetting", "trickling", "clear text"])
def test_no_handshake_after_the_go_ahead(tcp_server, script, scripts, protocol, peer, ms):  # noqa: PLR0917 - fixtures
    verb, go_ahead = GO_AHEAD[protocol]
    talk = script(protocol)

    class Breaking(type(talk)):
        def handle(self, spoken, line):
            if spoken != verb:
                return super().handle(spoken, line)
            self.say(self.tagged(line, go_ahead))
            {
                "silent": scripts.silent,
                "closing": lambda _: None,
                "resetting": lambda sock: (sock.recv(1), scripts.resetting(sock)),
                "trickling": scripts.trickling(10 * ms, b"\x16"),
                "clear text": scripts.saying(b"250 ok\r\n"),
            }[peer](self.sock)
            return False

    started = time.monotonic()
    result = check(protocol, tcp_server(Breaking()).port, use_tls=True, timeout=800 * ms, username="alice", password="secret")
    assert result.is_error()
    assert result.fault == "target"
    assert result.kind in {"timeout", "reset", "tls"}
    assert result.raw_data["phase"] == "tls"
    assert (result.raw_data["tls"], result.raw_data["authenticated"]) == (None, False)
    assert time.monotonic() - started < 800 * ms + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("peer", ["silent", "trickling", "resetting", "closing"])
def test_no_handshake_from_the_start(tcp_server, scripts, protocol, peer, ms):
    peers = {
        "silent": scripts.silent,
        "trickling": scripts.trickling(10 * ms, b"\x16"),
        "resetting": scripts.resetting,
        "closing": scripts.closing_after(b"\x16\x03\x03"),
    }
    started = time.monotonic()
    result = check(protocol, tcp_server(peers[peer]).port, use_ssl=True, timeout=300 * ms)
    assert result.kind in {"timeout", "reset", "tls"}
    assert result.raw_data["phase"] == "tls" or peer == "resetting"  # which may come while we connect
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


def test_ipv6(script, helper, monkeypatch):
    tcp = helper("servers_tcp")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    monkeypatch.setattr(tcp.socket, "create_server", lambda *_: listener)
    talk = script("smtp")
    with tcp.running(talk) as server:
        result = run_check("mail_server", {"hostname": "::1", "protocol": "smtp", "port": server.port, "timeout": 2})
    assert result.message == f"smtp server [::1]:{server.port} answers"
    assert talk.log[0] == "EHLO [IPv6:::1]"


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
    assert (none.kind, none.raw_data["mx"]) == ("resolve", None)
    assert none.message.startswith("lab.test has no MX records (NOERROR from 127.0.0.1:")
    assert none.phases["dns"] > 0
    gone = run_check("mail_server", {"hostname": "gone.test", **config})
    assert "(NXDOMAIN from" in gone.message
    null = run_check("mail_server", {"hostname": "null.test", **config})
    assert null.message == "null.test takes no mail: it has the null MX"


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
        ({"client_cert": "x"}, "client_cert without use_ssl or use_tls would not be looked at"),
        ({"server_name": "x"}, "server_name without use_ssl or use_tls would not be looked at"),
        ({"use_tls": True, "username": "a"}, "username and password (or access_token) belong together"),
        ({"use_tls": True, "username": "a", "auth_mechanism": "PLAIN"}, "auth_mechanism without username"),
        ({"auth_mechanism": "NTLM"}, "auth_mechanism: must be 'PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2' or 'OAUTHBEARER'"),
        ({"use_tls": True, "username": "a\r\nQUIT", "password": "b"}, "username: must not hold line breaks"),
        ({"use_tls": True, "username": "a", "password": "b\nQUIT"}, "password: must not hold line breaks"),
        ({"test_send": True}, "test_send needs from_email and to_email"),
        ({**SEND, "subject": "a\r\nBcc: b@c.test"}, "subject: must not hold line breaks or other control characters"),
        ({**SEND, "to_email": "a@b.test>\r\nDATA"}, "to_email: must not hold line breaks"),
        ({**SEND, "to_email": "a@b.test> SIZE=1"}, "to_email: must be one bare address such as"),
        ({**SEND, "from_email": "grün@b.test"}, "from_email: must have ASCII letters only before the @"),
        ({"from_email": "a@b.test", "subject": "x"}, "from_email and subject without test_send: true"),
        ({"nameserver": "127.0.0.1"}, "nameserver without resolve_mx: true would not be looked at"),
        ({"resolve_mx": True}, "resolve_mx needs a mail domain, 127.0.0.1 is an IP address"),
        ({"resolve_mx": True, "hostname": "lab.test", "nameserver": "https://127.0.0.1/"}, "nameserver must be an address or address:port"),
        (
            {"confirm_imap": {"hostname": "a", "username": "b", "password": "c"}},
            "confirm_imap without test_send: true: nothing would be sent",
        ),
        ({**SEND, "confirm_imap": {"hostname": "a"}}, "confirm_imap: needs username, and password or access_token"),
        ({**SEND, "use_ssl": True, "use_tls": True, "protocol": "imap"}, "exclude one another; test_send needs protocol smtp"),
        ({**SEND, "protocol": "imap"}, "test_send needs protocol smtp"),
        ({"protocol": "pop3", "resolve_mx": True}, "resolve_mx needs protocol smtp"),
        ({"to_email": "a@b.test"}, "to_email without test_send: true: nothing would be sent"),
        ({"resolve_mx": True, "nameserver": "a:b"}, "must be an address, address:port"),
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


LOGIN = {"use_tls": True, "username": "alice"}


@pytest.mark.parametrize(
    "account, messages",
    [
        ({**LOGIN, "password": "a", "access_token": "b"}, ["password and access_token exclude one another"]),
        ({**LOGIN, "access_token": "Bearer b"}, ["access_token: must be printable ASCII without spaces"]),
        ({**LOGIN, "password": "a", "auth_mechanism": "XOAUTH2"}, ["XOAUTH2 needs access_token, not password"]),
        ({**LOGIN, "access_token": "a", "auth_mechanism": "PLAIN"}, ["PLAIN needs password, not access_token"]),
        ({**LOGIN, "password": "a", "use_ssl": True}, ["use_ssl (TLS from the first byte) and use_tls (STARTTLS) exclude"]),
    ],
)
def test_accounts_refused(account, messages):
    """Those of the server, and of the mailbox to look into, are told in the same words."""
    server = run_check("mail_server", {"hostname": "127.0.0.1", "protocol": "smtp", **account})
    mailbox = run_check("mail_server", {"hostname": "127.0.0.1", "protocol": "smtp", **SEND, "confirm_imap": {"hostname": "a", **account}})
    assert (server.fault, mailbox.fault) == ("config", "config")
    assert all(
        message in server.message and f"confirm_imap.{message}" in mailbox.message.replace("confirm_imap: ", "confirm_imap.")
        for message in messages
    )


def test_refused_password_is_not_shown():
    config = {"hostname": "a", "protocol": "smtp", "use_tls": True, "username": "a", "password": "geheim\nQUIT"}
    assert "geheim" not in repr(run_check("mail_server", config))


def test_declaration():
    cls = registry.get("mail_server")
    assert cls.__name__ == "MailServerPlugin"
    assert cls.cli_name == "mail"
    assert cls.get_required_config() == ["hostname", "protocol"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_access_token(tcp_server, script, tls, ca, protocol, mechanism):  # noqa: PLR0917 - fixtures
    def attempt(token, **more):
        talk = script(protocol, tls, mechanisms=["PLAIN", mechanism])
        result = check(protocol, tcp_server(talk).port, ca_file=ca, use_tls=True, username="alice", access_token=token, **more)
        return result, talk.log

    result, _ = attempt("good-token")
    assert result.is_success(), result
    assert result.raw_data["authenticated"] is True
    result, log = attempt("wrong-token", auth_mechanism=mechanism)
    assert result.is_error()
    assert result.message.startswith("login as alice refused: ")
    assert result.message.endswith("(the server's reason: status '401')")
    assert sum(line.split(" ")[0] == "AUTH" or "AUTHENTICATE" in line for line in log) == 1


def test_forced_cram_md5_needs_no_tls(tcp_server, script):
    account = {"username": "alice", "password": "secret", "auth_mechanism": "CRAM-MD5"}
    talk = script("smtp", mechanisms=["PLAIN", "CRAM-MD5"])
    assert check("smtp", tcp_server(talk).port, **account).is_success()
    talk = script("smtp", mechanisms=["PLAIN"])
    assert "usable: CRAM-MD5" in check("smtp", tcp_server(talk).port, **account).message
    assert talk.log[0].startswith("EHLO")
    assert not any("AUTH" in line for line in talk.log)


@pytest.mark.parametrize("secret", [{"password": "s3cr"}, {"access_token": "t0k" * 900}])
def test_a_secret_that_comes_back_in_base64_is_masked(tcp_server, script, secret):
    mechanism = "PLAIN" if "password" in secret else "XOAUTH2"
    login = registry.get_plugin(
        "mail_server", {"hostname": "a", "protocol": "smtp", "use_tls": True, "username": "alice", **secret}
    ).settings.login
    forms = login.travelling_forms()
    for form in forms:
        talk = script("smtp", mechanisms=[mechanism])
        talk.replies["AUTH"] = f"535 what is {form}?\r\n".encode()
        result = check("smtp", tcp_server(talk).port, username="alice", allow_plaintext_auth=True, **secret)
        assert result.message.startswith("login as alice refused: 535 what is ***")
        assert form[:30] not in repr(result)


def test_more_capabilities_after_the_login(tcp_server, script):
    account = {"username": "alice", "password": "secret", "allow_plaintext_auth": True}
    server = tcp_server(script("imap", later=["UIDPLUS"]))
    result = check("imap", server.port, capabilities=["UIDPLUS", "AUTH=PLAIN"], **account)
    assert result.is_success(), result
    assert {"UIDPLUS", "AUTH=PLAIN"} <= set(result.raw_data["capabilities"])
    assert check("imap", server.port, capabilities=["UIDPLUS", "QUOTA"], **account).message.startswith("missing capabilities: QUOTA; ")
    assert "missing capabilities: UIDPLUS" in check("imap", server.port, capabilities=["UIDPLUS"]).message
    refused = check("imap", server.port, capabilities=["UIDPLUS"], **account | {"password": "wrong"})
    assert "login as alice refused" in refused.message
    assert "missing capabilities: UIDPLUS" in refused.message


def test_preauth_is_no_login(tcp_server, script):
    talk = script("imap", banner=b"* PREAUTH welcome\r\n")
    result = check("imap", tcp_server(talk).port, username="alice", password="secret", allow_plaintext_auth=True)
    assert result.is_error()
    assert result.raw_data["authenticated"] is False


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_ahead_of_the_questions(tcp_server, scripts, protocol):
    ahead = {
        "smtp": b"220 a\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 ok\r\n",
        "imap": b"* OK a\r\na OK\r\n",
        "pop3": b"+OK a\r\n+OK\r\n.\r\n+OK\r\n+OK\r\n",
    }[protocol]
    account = {"username": "alice", "password": "secret", "allow_plaintext_auth": True}
    result = check(protocol, tcp_server(scripts.saying(ahead)).port, **account)
    assert (result.status, result.kind) == ("error", "protocol")
    assert result.raw_data["authenticated"] is False


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mode", ["use_ssl", "use_tls"])
def test_name_in_the_certificate(tcp_server, script, lab_certificates, ca, protocol, mode):  # noqa: PLR0917 - fixtures
    names = []
    context = lab_certificates.issue("named-mail", hosts=("mail.lab.test",)).context
    context.sni_callback = lambda _, name, __: names.append(name)
    server = tcp_server(script(protocol, context), context if mode == "use_ssl" else None)
    wrong = check(protocol, server.port, ca_file=ca, **{mode: True})
    assert wrong.kind == "tls"
    result = check(protocol, server.port, ca_file=ca, server_name="mail.lab.test", **{mode: True})
    assert result.is_success(), result
    assert names == [None, "mail.lab.test"]


@pytest.fixture
def client_certificate(tmp_path):
    """A file with a key and a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "monitor")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    file = tmp_path / "client.pem"
    file.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(file)


@pytest.mark.parametrize("mode", ["use_ssl", "use_tls"])
def test_client_certificate(tcp_server, script, lab_certificates, ca, client_certificate, mode):  # noqa: PLR0917 - fixtures
    context = lab_certificates.issue("asking-mail").context
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client_certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 asks for it when the handshake is over for us
    server = tcp_server(script("smtp", context), context if mode == "use_ssl" else None)
    assert check("smtp", server.port, ca_file=ca, **{mode: True}).kind in {"tls", "reset"}
    result = check("smtp", server.port, ca_file=ca, client_cert=client_certificate, **{mode: True})
    assert result.is_success(), result


def test_goodbye_is_not_waited_for(tcp_server, script):
    talk = script("smtp")
    talk.replies["QUIT"] = b""
    assert check("smtp", tcp_server(talk).port).is_success()
    talk = script("smtp")
    talk.replies["MESSAGE"] = b"250 ok\r\n"
    server = tcp_server(talk)
    result = check("smtp", server.port, **SEND)
    assert result.is_success()


def test_a_goodbye_that_fails_changes_nothing(tcp_server, script, monkeypatch):
    def broken(self):
        raise NetError("reset", phase="send", kind="reset")

    monkeypatch.setattr(SmtpClient, "quit", broken)  # no server can be made to break off at just this moment
    assert check("smtp", tcp_server(script("smtp")).port).is_success()


def test_international_domains(tcp_server, script):
    talk = script("smtp")
    assert check("smtp", tcp_server(talk).port, **{**SEND, "from_email": "a@bücher.test", "to_email": "postmaster"}).is_success()
    assert talk.log[1:3] == ["MAIL FROM:<a@xn--bcher-kva.test>", "RCPT TO:<postmaster>"]
    refused = check("smtp", 1, **{**SEND, "from_email": "a@" + "ü" * 80 + ".test"})
    assert "from_email: must have a valid domain" in refused.message


class TestConfirm:
    @pytest.fixture
    def mail(self, tcp_server, script, monkeypatch, ms):
        """Sends through one server and looks at another, which has what the first accepted."""
        monkeypatch.setattr(delivery, "POLL", 5 * ms)
        smtp = script("smtp")

        def send(timeout=2, confirm=None, imap=None, **options):
            inbox = smtp.messages if options.pop("arrives", True) else []
            imap = imap or script("imap", inbox=inbox, **options)
            where = {"hostname": "127.0.0.1", "port": tcp_server(imap).port, "username": "alice", "password": "secret"}
            where |= {"allow_plaintext_auth": True} | (confirm or {})
            return check("smtp", tcp_server(smtp).port, timeout=timeout, **SEND, confirm_imap=where), imap

        send.smtp = smtp
        return send

    def test_delivered(self, mail):
        result, imap = mail(arrives_after=3)
        assert result.is_success(), result
        assert ", test message delivered after 0." in result.message
        assert result.raw_data["delivered"] is True
        assert 0 < result.raw_data["confirmed_after"] < result.response_time
        assert sum("SEARCH" in line for line in imap.log) == 3
        assert any("EXAMINE" in line for line in imap.log)

    def test_each_attempt_looks_for_its_own_message(self, mail):
        mail()
        assert mail()[0].is_success()
        ids = {line for message in mail.smtp.messages for line in message.splitlines() if line.startswith(b"Message-ID")}
        assert len(ids) == 2

    def test_accepted_is_not_delivered(self, mail, ms):
        result, _ = mail(arrives=False, timeout=400 * ms)
        assert (result.status, result.kind) == ("error", "expectation")
        assert result.message.startswith("test message accepted, but not confirmed: not in INBOX at 127.0.0.1 within 0.")
        assert (result.raw_data["delivered"], result.raw_data["confirmed_after"]) == (False, None)
        assert len(mail.smtp.messages) == 1

    def test_not_looked_for_when_it_was_refused(self, mail):
        mail.smtp.replies["RCPT"] = b"550 5.1.1 nobody\r\n"
        result, imap = mail()
        assert result.message == "test message refused: RCPT TO: 550 5.1.1 nobody"
        assert imap.log == []

    def test_login_refused(self, mail):
        result, _ = mail(confirm={"password": "wrong-one"})
        assert "not confirmed: login as alice at 127.0.0.1 refused: NO" in result.message
        assert "wrong-one" not in repr(result)

    def test_a_mailbox_that_cannot_be_reached(self, mail):
        result, _ = mail(confirm={"port": 1})
        assert (result.kind, result.raw_data["delivered"]) == ("connect", False)
        assert result.message.startswith("confirm_imap: 127.0.0.1:1 refused the connection")

    def test_no_login_in_clear_text(self, mail):
        result, imap = mail(confirm={"allow_plaintext_auth": False})
        assert result.fault == "config"
        assert result.message.startswith("confirm_imap: the password would travel in clear text")
        assert mail.smtp.log == imap.log == []

    def test_over_tls_with_a_token(self, mail, script, tls, ca):
        imap = script("imap", tls, inbox=mail.smtp.messages, mechanisms=["XOAUTH2"])
        safe = {"use_tls": True, "ca_file": ca, "allow_plaintext_auth": False, "access_token": "good-token"}
        result, _ = mail(imap=imap, confirm=safe | {"password": None})
        assert result.is_success(), result

    def test_deleted(self, mail):
        result, imap = mail(confirm={"delete": True}, later=["UIDPLUS"])
        assert result.is_success(), result
        assert imap.inbox == [b""]

    def test_not_deleted(self, mail):
        result, _ = mail(confirm={"delete": True}, read_only=True)
        assert (result.status, result.raw_data["delivered"]) == ("warning", True)
        assert result.message == "the message could not be deleted from INBOX at 127.0.0.1: NO read-only"

    @pytest.mark.parametrize("verb", ["BANNER", "CAPABILITY", "EXAMINE", "NOOP", "UID"])
    def test_silence(self, mail, verb, ms):
        started = time.monotonic()
        result, _ = mail(timeout=300 * ms, replies={verb: b""})
        assert result.kind == "timeout"
        assert result.message.startswith("confirm_imap: ")
        assert result.raw_data["delivered"] is False
        assert time.monotonic() - started < 300 * ms + 1


class TestEveryExchanger:
    @pytest.fixture
    def look(self, dns_server, domain):
        def execute_on(port, *, addresses="all", **config):
            config = {"hostname": "lab.test", "protocol": "smtp", "port": port, "ip_family": "ipv4", **domain, **config}
            return execute(CheckSpec(id="mx", plugin="mail_server", config=config, addresses=addresses, timeout=2))

        return execute_on

    def test_every_address_of_every_host(self, tcp_server, script, dns_server, look):
        dns_server.add("lab.test.", "MX", "10 one.lab.test.", "20 two.lab.test.", "30 gone.lab.test.")
        dns_server.add("one.lab.test.", "A", "127.0.0.1")
        dns_server.add("two.lab.test.", "A", "127.0.0.1", "127.0.0.2")
        server = tcp_server(script("smtp"))  # not at 127.0.0.2
        result = look(server.port)
        assert result.is_error()
        rows = [(row["host"], row["address"], row["status"]) for row in result.raw_data["addresses"]]
        assert rows == [
            ("one.lab.test", "127.0.0.1", "success"),
            ("two.lab.test", "127.0.0.1", "success"),
            ("two.lab.test", "127.0.0.2", "error"),
            ("gone.lab.test", None, "error"),
        ]
        assert result.message.startswith("2 of 4 addresses: two.lab.test (127.0.0.2): two.lab.test (127.0.0.2:")
        assert "; gone.lab.test: gone.lab.test has no IPv4 address" in result.message
        assert set(result.raw_data["addresses"][0]) == {"host", "address", "status", "message", "response_time", "phases"}
        assert [one["host"] for one in result.raw_data["mx"]] == ["one.lab.test", "two.lab.test", "gone.lab.test"]
        assert server.count == 2

    def test_all_are_well(self, tcp_server, script, dns_server, look):
        dns_server.add("lab.test.", "MX", "10 one.lab.test.", "20 two.lab.test.")
        dns_server.add("one.lab.test.", "A", "127.0.0.1")
        dns_server.add("two.lab.test.", "A", "127.0.0.1")
        result = look(tcp_server(script("smtp")).port)
        assert result.is_success(), result
        assert result.message.startswith("all 2 addresses: smtp server one.lab.test:")
        assert [query[1] for query in dns_server.queries].count("MX") == 1

    def test_each_host_has_its_own_certificate(self, tcp_server, script, dns_server, look, lab_certificates, ca):  # noqa: PLR0917 - fixtures
        dns_server.add("lab.test.", "MX", "10 one.lab.test.", "10 two.lab.test.")
        dns_server.add("one.lab.test.", "A", "127.0.0.1")
        dns_server.add("two.lab.test.", "A", "127.0.0.1")
        context = lab_certificates.issue("first-mx", hosts=("one.lab.test",)).context
        result = look(tcp_server(script("smtp", context)).port, use_tls=True, ca_file=ca)
        assert [row["status"] for row in result.raw_data["addresses"]] == ["success", "error"]
        assert "two.lab.test" in result.message
        assert result.kind == "tls"

    def test_a_silent_host_takes_no_time_from_the_others(self, tcp_server, script, dns_server, look, scripts):
        dns_server.add("lab.test.", "MX", "10 one.lab.test.", "20 two.lab.test.")
        dns_server.add("one.lab.test.", "A", "127.0.0.1")
        answer = dns_server.answer
        dns_server.react = lambda query, _: None if "two" in str(query.question[0].name) else answer(query).to_wire()
        started = time.monotonic()
        result = look(tcp_server(script("smtp")).port)
        assert time.monotonic() - started < 3
        assert [row["status"] for row in result.raw_data["addresses"]] == ["success", "error"]

    def test_the_most_preferred_host_only(self, tcp_server, script, dns_server, look):
        dns_server.add("lab.test.", "MX", "10 two.lab.test.", "10 one.lab.test.", "5 zero.lab.test.")
        for name, address in {"zero": "127.0.0.1", "one": "127.0.0.2", "two": "127.0.0.3"}.items():
            dns_server.add(f"{name}.lab.test.", "A", address)
        server = tcp_server(script("smtp"))
        result = look(server.port, addresses="one")
        assert (result.status, result.raw_data["host"], result.raw_data["address"]) == ("success", "zero.lab.test", "127.0.0.1")
        dns_server.add("lab.test.", "MX", "10 two.lab.test.", "10 one.lab.test.")
        assert look(server.port, addresses="one").raw_data["host"] == "one.lab.test"

    @pytest.mark.parametrize("addresses, status", [("one", "success"), ("all", "error")])
    def test_addresses_that_nobody_told_are_not_well(self, tcp_server, script, dns_server, look, addresses, status):  # noqa: PLR0917 - fixtures
        def react(query, _):
            response = dns_server.answer(query)
            if query.question[0].rdtype == dns.rdatatype.AAAA:
                response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()

        dns_server.add("lab.test.", "MX", "10 one.lab.test.")
        dns_server.add("one.lab.test.", "A", "127.0.0.1")
        dns_server.react = react
        result = look(tcp_server(script("smtp")).port, addresses=addresses, ip_family="any")
        assert result.status == status, result
        if addresses == "all":
            assert result.message.startswith(
                "1 of 2 addresses: one.lab.test: the AAAA records cannot be looked up: SERVFAIL from 127.0.0.1:"
            )

    def test_no_records_at_all(self, look):
        result = look(25)
        assert (result.status, result.kind) == ("error", "resolve")
        assert result.message.startswith("lab.test has no MX records (NXDOMAIN from ")

    @pytest.mark.parametrize("addresses", ["one", "all"])
    def test_an_address_in_place_of_a_name(self, tcp_server, script, dns_server, look, addresses):
        dns_server.add("lab.test.", "MX", "10 127.0.0.1.")
        server = tcp_server(script("smtp"))
        result = look(server.port, addresses=addresses)
        assert result.message == "the MX record names 127.0.0.1: it must name a host, not an IP address (RFC 5321, 5.1)"
        assert server.count == 0

    @pytest.mark.parametrize("addresses", ["one", "all"])
    def test_an_alias_is_a_warning(self, tcp_server, script, dns_server, look, addresses):
        dns_server.add("lab.test.", "MX", "10 mx.lab.test.")
        dns_server.add("mx.lab.test.", "CNAME", "real.lab.test.")
        dns_server.add("real.lab.test.", "A", "127.0.0.1")
        result = look(tcp_server(script("smtp")).port, addresses=addresses)
        assert result.status == "warning"
        assert result.message == "the MX record names mx.lab.test, an alias (CNAME) of real.lab.test, which RFC 2181, 10.3 forbids"

    def test_a_pinned_address_stays_pinned(self, tcp_server, script, dns_server, domain):
        dns_server.add("lab.test.", "MX", "10 one.lab.test.")
        config = {"hostname": "lab.test", "protocol": "smtp", "port": tcp_server(script("smtp")).port, **domain}
        assert run_check("mail_server", config, address="127.0.0.1").raw_data["host"] == "one.lab.test"

    def test_without_mx(self, tcp_server, script):
        config = {"hostname": "localhost", "protocol": "smtp", "port": tcp_server(script("smtp")).port, "ip_family": "ipv4"}
        result = execute(CheckSpec(id="a", plugin="mail_server", config=config, addresses="all"))
        assert [(row["host"], row["address"]) for row in result.raw_data["addresses"]] == [("localhost", "127.0.0.1")]
