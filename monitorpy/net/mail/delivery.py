"""Whether a message that a server accepted arrives: it is looked for over IMAP."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.sasl import Login
from monitorpy.net.resolve import Family
from monitorpy.net.tls import TlsSettings

POLL = 0.5
"""Seconds between two looks into the mailbox."""

_SHARE = 0.9
"""Of the time there is, what is spent on looking: the check must end before it is late."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where to look, and as whom. ``tls`` from the first byte on, or after STARTTLS where ``starttls``; None: in clear text."""

    host: str
    port: int
    login: Login
    tls: TlsSettings | None
    starttls: bool
    server_name: str
    name: str
    delete: bool

    def __str__(self) -> str:
        return f"{self.name} at {self.host}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message: the seconds until it was seen, or (None) why it was not; and why it could not be deleted."""

    seconds: float | None
    problem: str | None = None


def confirm(message_id: str, mailbox: Mailbox, deadline: Deadline, family: Family = "any") -> Delivery:
    """Look for the message until it is there, or the deadline is near. NetError where the IMAP server cannot be used."""
    started = time.monotonic()
    try:
        with connect(mailbox.host, mailbox.port, deadline, family=family, phases={}) as connection:
            if mailbox.tls and not mailbox.starttls:
                connection.start_tls(mailbox.tls, mailbox.server_name)
            client = ImapClient(Dialogue(connection))
            delivery = _opened(client, mailbox)
            if delivery is None:
                delivery = _looked(client, message_id, mailbox, started, deadline)
            with suppress(NetError):  # what we know, we know
                client.quit()
    except NetError as broken:
        raise NetError(f"confirm_imap: {broken}", phase=broken.phase, kind=broken.kind, fault=broken.fault) from broken
    return delivery


def _opened(client: ImapClient, mailbox: Mailbox) -> Delivery | None:
    """Log in and open the mailbox; what was refused, or None."""
    client.greet()
    if mailbox.tls and mailbox.starttls and (refusal := client.start_tls(mailbox.tls, mailbox.server_name)):
        return Delivery(None, f"STARTTLS refused by {mailbox.host}: {refusal}")
    if refusal := client.login(mailbox.login):
        return Delivery(None, f"login as {mailbox.login.username} at {mailbox.host} refused: {refusal}")
    if refusal := client.open(mailbox.name, read_only=not mailbox.delete):
        return Delivery(None, f"{mailbox} cannot be opened: {refusal}")
    return None


def _looked(client: ImapClient, message_id: str, mailbox: Mailbox, started: float, deadline: Deadline) -> Delivery:
    patience = Deadline(deadline.left() * _SHARE)
    while not (found := client.find(message_id)):
        if patience.expired:
            return Delivery(None, f"not in {mailbox} within {time.monotonic() - started:.1f} s after it was accepted")
        time.sleep(min(POLL, patience.left()))
    seconds = time.monotonic() - started
    refusal = client.delete(found[0]) if mailbox.delete else None
    return Delivery(seconds, refusal and f"the message could not be deleted from {mailbox}: {refusal}")
