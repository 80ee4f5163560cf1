"""TLS in the middle of a conversation: how each protocol asks for it, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail.base import MailClient
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.pop3 import Pop3Client
from monitorpy.net.mail.smtp import SmtpClient
from monitorpy.net.tls import TlsSettings

StartTls: TypeAlias = Literal["smtp", "imap", "pop3"]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """How a protocol comes to TLS: its port, and what asks for it. ``ask`` returns None for the go-ahead, or the server's refusal."""

    port: int
    ask: Callable[[Dialogue, Connection, str], str | None]


def start_tls(protocol: StartTls, connection: Connection, settings: TlsSettings, server_hostname: str) -> None:
    """Ask for TLS as the protocol does, on a fresh connection, and do the handshake; nothing is said after it.

    ``server_hostname`` is sent as SNI and compared with the certificate. Raises NetError: of kind "protocol" with the server's words
    if it refuses, or if it has sent more in clear text than its go-ahead.
    """
    dialogue = Dialogue(connection)
    if (refusal := UPGRADES[protocol].ask(dialogue, connection, server_hostname)) is not None:
        raise NetError(f"{dialogue.peer} refuses STARTTLS: {refusal}", phase="tls", kind="protocol")
    dialogue.start_tls(settings, server_hostname)


def _asked_by(client: Callable[[Dialogue, Connection], MailClient]) -> Callable[[Dialogue, Connection, str], str | None]:
    def ask(dialogue: Dialogue, connection: Connection, _: str) -> str | None:
        speaker = client(dialogue, connection)
        speaker.greet()
        return speaker.ask_for_tls()

    return ask


UPGRADES: Mapping[StartTls, Upgrade] = {
    "smtp": Upgrade(25, _asked_by(lambda dialogue, connection: SmtpClient(dialogue, connection.sock.getsockname()[0]))),
    "imap": Upgrade(143, _asked_by(lambda dialogue, _: ImapClient(dialogue))),
    "pop3": Upgrade(110, _asked_by(lambda dialogue, _: Pop3Client(dialogue))),
}
