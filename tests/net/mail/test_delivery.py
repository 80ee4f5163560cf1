from __future__ import annotations

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.mail import delivery
from monitorpy.net.mail.delivery import Mailbox, confirm
from monitorpy.net.mail.sasl import Login
from monitorpy.net.tls import TlsSettings

MAIL = b"Subject: x\nMessage-ID: <a@lab.test>\n\nx"


@pytest.fixture
def look(server, script, server_tls, ms, monkeypatch):
    """Looks for a message in a mailbox; gives what came of it, and the server's side."""
    monkeypatch.setattr(delivery, "POLL", 5 * ms)

    def start(*, tls=None, starttls=False, password="secret", name="INBOX", delete=False, seconds=2000 * ms, **options):
        talk = script("Imap", server_tls if starttls else None, **options)
        port = server(talk, server_tls if tls and not starttls else None).port
        mailbox = Mailbox("127.0.0.1", port, Login("alice", password), tls, starttls, "localhost", name, delete)
        return confirm("<a@lab.test>", mailbox, Deadline(seconds)), talk

    return start


@pytest.mark.parametrize("starttls", [False, True])
def test_over_tls(look, starttls):
    found, talk = look(tls=TlsSettings(verify=False), starttls=starttls, inbox=[MAIL])
    assert 0 < found.seconds < 2
    assert found.problem is None
    assert any("EXAMINE" in line for line in talk.log)


def test_it_is_looked_for_until_it_is_there(look):
    found, talk = look(inbox=[b"", MAIL], arrives_after=4)
    assert found.seconds > 0
    assert sum("SEARCH" in line for line in talk.log) == 4
    assert sum("NOOP" in line for line in talk.log) == 4
    assert sum("AUTHENTICATE" in line for line in talk.log) == 1


def test_it_never_comes(look, ms):
    found, talk = look(seconds=300 * ms)
    assert found.seconds is None
    assert found.problem.startswith("not in INBOX at 127.0.0.1 within ")
    assert found.problem.endswith(" s after it was accepted")
    assert sum("SEARCH" in line for line in talk.log) > 2


def test_it_is_not_looked_for_all_the_time(look, ms, monkeypatch):
    monkeypatch.setattr(delivery, "POLL", 10)
    found, talk = look(seconds=300 * ms)
    assert found.seconds is None
    assert sum("SEARCH" in line for line in talk.log) == 2  # at once, and when time is up


@pytest.mark.parametrize("later", [["UIDPLUS"], []])
def test_delete(look, later):
    found, talk = look(inbox=[b"", MAIL], delete=True, later=later)
    assert (found.seconds > 0, found.problem) == (True, None)
    assert any("SELECT" in line for line in talk.log)
    assert talk.inbox == ([b"", b""] if later else [b"", MAIL])


def test_delete_refused(look):
    found, _ = look(inbox=[MAIL], delete=True, read_only=True)
    assert found.seconds > 0
    assert found.problem == "the message could not be deleted from INBOX at 127.0.0.1: NO read-only"


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"password": "wrong"}, "login as alice at 127.0.0.1 refused: NO [AUTHENTICATIONFAILED] bad credentials"),
        ({"name": "Archive"}, "Archive at 127.0.0.1 cannot be opened: NO [NONEXISTENT] no such mailbox"),
        (
            {"tls": TlsSettings(verify=False), "starttls": True, "replies": {"STARTTLS": b"TAG NO not now\r\n"}},
            "STARTTLS refused by 127.0.0.1: NO not now",
        ),
    ],
)
def test_refused(look, options, problem):
    found, talk = look(inbox=[MAIL], **options)
    assert (found.seconds, found.problem) == (None, problem)
    assert not any("SEARCH" in line for line in talk.log)


@pytest.mark.parametrize(
    "options, kind, message",
    [
        ({"banner": b"* BYE busy\r\n"}, "protocol", "confirm_imap: 127.0.0.1:.* refuses service"),
        ({"replies": {"NOOP": None}}, "reset", "confirm_imap: 127.0.0.1:.* closed the connection before the answer to NOOP came"),
        ({"replies": {"UID": b""}, "seconds": 0.2}, "timeout", "confirm_imap: the answer to UID did not come from 127.0.0.1:"),
        ({"tls": TlsSettings()}, "tls", "confirm_imap: .*certificate"),
    ],
)
def test_a_server_that_cannot_be_used(look, options, kind, message):
    with pytest.raises(NetError, match=message) as caught:
        look(inbox=[MAIL], **options)
    assert caught.value.kind == kind


def test_a_goodbye_that_fails_changes_nothing(look, monkeypatch):
    def broken(self):
        raise NetError("reset", phase="send", kind="reset")

    monkeypatch.setattr(delivery.ImapClient, "quit", broken)  # no server can be made to break off at just this moment
    assert look(inbox=[MAIL])[0].seconds > 0
