from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.mail.imap import _utf7
from monitorpy.net.mail.sasl import Login
from monitorpy.net.tls import TlsSettings

ALICE = Login("alice", "secret")


def test_greet(client, script):
    imap = client(script("Imap"))
    imap.greet()
    assert imap.banner == "* OK lab IMAP ready"
    assert imap.capabilities == ["IMAP4rev1", "SASL-IR", "IDLE", "AUTH=PLAIN", "AUTH=LOGIN"]


@pytest.mark.parametrize(
    "banner, message",
    [(b"* BYE busy\r\n", r"refuses service: \* BYE busy$"), (b"220 smtp\r\n", "for the banner"), (b"* OKAY\r\n", "for the banner")],
)
def test_strange_banner(client, script, banner, message):
    with pytest.raises(NetError, match=message):
        client(script("Imap", banner=banner)).greet()


def test_preauth(client, script):
    imap = client(script("Imap", banner=b"* PREAUTH hello\r\n"))
    imap.greet()
    assert imap.banner == "* PREAUTH hello"


def test_preauth_verifies_no_password(client, script):
    talk = script("Imap", banner=b"* PREAUTH hello\r\n")
    imap = client(talk)
    imap.greet()
    assert "would verify nothing (* PREAUTH hello)" in imap.login(ALICE)
    assert talk.log == ["m1 CAPABILITY"]


@pytest.mark.parametrize(
    "reply, message",
    [
        (b"TAG BAD no\r\n", "sent 'BAD no' for the answer to CAPABILITY"),
        (b"* BYE too busy\r\n", r"sent '\* BYE too busy' for"),
        (b"junk\r\n", "sent 'junk' for"),
        (b"* x\r\n" * 600, "500 lines without an end"),
    ],
)
def test_strange_answers(client, script, reply, message):
    with pytest.raises(NetError, match=message) as caught:
        client(script("Imap", replies={"CAPABILITY": reply})).greet()
    assert caught.value.kind == "protocol"


def test_starttls(client, script, server_tls):
    imap = client(script("Imap", server_tls))
    imap.greet()
    assert "STARTTLS" in imap.capabilities
    assert imap.start_tls(TlsSettings(verify=False), "localhost") is None
    assert "STARTTLS" not in imap.capabilities


def test_starttls_refused(client, script):
    imap = client(script("Imap"))
    imap.greet()
    assert imap.start_tls(TlsSettings(), "localhost") == "BAD unknown command"


@pytest.mark.parametrize("extra", [["SASL-IR"], []])
@pytest.mark.parametrize("mechanisms", [["PLAIN"], ["LOGIN", "LOGINDISABLED"], ["CRAM-MD5", "LOGINDISABLED"], []])
def test_login(client, script, mechanisms, extra):
    disabled = ["LOGINDISABLED"] if "LOGINDISABLED" in mechanisms else []
    options = {"extra": [*extra, *disabled], "mechanisms": [name for name in mechanisms if name != "LOGINDISABLED"]}
    talk = script("Imap", **options)
    imap = client(talk)
    imap.greet()
    assert imap.login(ALICE) is None
    assert any("AUTHENTICATE" in line for line in talk.log) == bool(mechanisms)
    imap.quit()
    imap = client(script("Imap", **options))
    imap.greet()
    assert "bad credentials" in imap.login(Login("alice", "wrong"))


def test_login_is_quoted(client, script):
    talk = script("Imap", mechanisms=[])
    imap = client(talk)
    imap.greet()
    imap.login(Login('a"b', "c\\d"))
    assert talk.log[-1] == 'm2 LOGIN "a\\"b" "c\\\\d"'


def test_login_disabled(client, script):
    imap = client(script("Imap", mechanisms=[], extra=["LOGINDISABLED"]))
    imap.greet()
    assert "LOGIN is disabled, and no usable way" in imap.login(ALICE)


@pytest.mark.parametrize("reply", ["OK welcome", "NO not now"])
def test_login_that_ends_before_the_password_was_seen(client, script, reply):
    imap = client(script("Imap", extra=[], replies={"AUTHENTICATE": f"TAG {reply}\r\n".encode()}))
    imap.greet()
    assert imap.login(ALICE) == reply + (" (before it saw the password)" if "OK" in reply else "")


def test_unwanted_continuation_is_a_refusal(client, script):
    imap = client(script("Imap", mechanisms=[], replies={"LOGIN": b"+ go on\r\n"}))
    imap.greet()
    assert imap.login(ALICE) == "+ go on"


def test_no_way_to_log_in(client, script):
    imap = client(script("Imap", mechanisms=["GSSAPI"]))
    imap.greet()
    refusal = imap.login(Login("alice", "t0ken", token=True))
    assert refusal == "no usable way to log in is offered (GSSAPI); usable: XOAUTH2, OAUTHBEARER"


@pytest.mark.parametrize("extra", [["SASL-IR"], []])
@pytest.mark.parametrize("mechanism, empty", [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
def test_token(client, script, mechanism, empty, extra):
    def attempt(token):
        talk = script("Imap", mechanisms=["PLAIN", mechanism], extra=extra)
        imap = client(talk)
        imap.greet()
        return imap.login(Login("alice", token, token=True)), talk.log

    refusal, log = attempt("good-token")
    assert refusal is None
    refusal, log = attempt("bad-token")
    assert refusal == "NO [AUTHENTICATIONFAILED] bad credentials (the server's reason: status '401')"
    assert log[-1] == empty
    assert sum("AUTHENTICATE" in line for line in log) == 1
    assert (len(log) == 3) == bool(extra)


def test_a_mechanism_is_forced(client, script):
    talk = script("Imap", mechanisms=["PLAIN", "CRAM-MD5"])
    imap = client(talk)
    imap.greet()
    assert imap.login(Login("alice", "secret", mechanism="CRAM-MD5")) is None
    assert any(line.endswith("AUTHENTICATE CRAM-MD5") for line in talk.log)
    assert "usable: LOGIN" in imap.login(Login("alice", "secret", mechanism="LOGIN"))


@pytest.mark.parametrize(
    "lines, words",
    [
        (b"* CAPABILITY IMAP4rev1 {3}\r\nA B C\r\n", ["IMAP4rev1", "{3}A", "B", "C"]),
        (b"* CAPABILITY IMAP4rev1 {4}\r\n{9}\r x {1+}\r\ny\r\n", ["IMAP4rev1", "{4}{9}", "x", "{1+}y"]),
        (b"* 1 FETCH (X {6}\r\nm1 OK\n Y {2}\r\n* )\r\n* CAPABILITY ID\r\n", ["ID"]),
    ],
)
def test_literals_are_no_lines(client, script, lines, words):
    imap = client(script("Imap", replies={"CAPABILITY": lines + b"TAG OK done\r\n"}))
    imap.greet()
    assert imap.capabilities == words


@pytest.mark.parametrize("size", [b"64001", b"999999999"])
def test_a_literal_has_a_limit(client, script, size):
    with pytest.raises(NetError, match=f"sent 'a literal of {size.decode()} bytes' for the answer to CAPABILITY"):
        client(script("Imap", replies={"CAPABILITY": b"* X {" + size + b"}\r\n"})).greet()


@pytest.fixture
def mailbox(client, script):
    """A client that has logged in, and the server's side."""

    def start(**options):
        talk = script("Imap", **options)
        imap = client(talk)
        imap.greet()
        assert imap.login(ALICE) is None
        talk.log.clear()
        return imap, talk

    return start


def test_more_capabilities_after_the_login(mailbox):
    imap, _ = mailbox(later=["UIDPLUS", "IDLE"])
    imap.add_capabilities()
    assert imap.capabilities == ["IMAP4rev1", "SASL-IR", "IDLE", "AUTH=PLAIN", "AUTH=LOGIN", "UIDPLUS"]


@pytest.mark.parametrize("read_only, verb", [(True, "EXAMINE"), (False, "SELECT")])
def test_open(mailbox, read_only, verb):
    imap, talk = mailbox()
    assert imap.open("INBOX", read_only=read_only) is None
    assert imap.open("Entwürfe", read_only=read_only) == "NO [NONEXISTENT] no such mailbox"
    assert [line.partition(" ")[2] for line in talk.log] == [f'{verb} "INBOX"', f'{verb} "Entw&APw-rfe"']


@pytest.mark.parametrize(
    "name, travels", [("台北", "&U,BTFw-"), ("A & B", "A &- B"), ("~peter/mail/日本語", "~peter/mail/&ZeVnLIqe-"), ("😀", "&2D3eAA-")]
)
def test_names_of_mailboxes(name, travels):
    assert _utf7(name) == travels


def test_find(mailbox):
    imap, talk = mailbox(inbox=[b"Message-ID: <a@lab>", b"Message-ID: <b@lab>", b"Message-ID: <b@lab>"])
    assert imap.find("<b@lab>") == ["2", "3"]
    assert imap.find("<c@lab>") == []
    assert [line.partition(" ")[2] for line in talk.log[:2]] == ["NOOP", 'UID SEARCH HEADER Message-ID "<b@lab>"']


def test_what_is_no_number_is_no_message(mailbox):
    imap, _ = mailbox(replies={"UID": b"* SEARCH 1:* \xd9\xa3 x 7\r\nTAG OK\r\n"})
    assert imap.find("<b@lab>") == ["7"]


def test_a_search_that_is_refused_finds_nothing_out(mailbox):
    imap, _ = mailbox(replies={"UID": b"TAG NO [CANNOT] search\r\n"})
    with pytest.raises(NetError, match="for the answer to UID SEARCH"):
        imap.find("<b@lab>")


@pytest.mark.parametrize("later, expunged", [(["UIDPLUS"], True), ([], False)])
def test_delete(mailbox, later, expunged):
    imap, talk = mailbox(later=later, inbox=[b"a", b"b"])
    assert imap.delete("2") is None
    assert talk.log[0].endswith(r"UID STORE 2 +FLAGS.SILENT (\Deleted)")
    assert talk.inbox == ([b"a", b""] if expunged else [b"a", b"b"])


def test_delete_refused(mailbox):
    imap, _ = mailbox(replies={"UID": b"TAG NO read-only\r\n"})
    assert imap.delete("2") == "NO read-only"
