"""The message that a check sends."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate


@dataclass(frozen=True, slots=True)
class Message:
    """Sender and recipient are bare addresses in ASCII. ``message_id`` is one that nobody can guess, so that it tells this message."""

    sender: str
    recipient: str
    subject: str
    text: str
    message_id: str = field(init=False)

    def __post_init__(self) -> None:
        domain = self.sender.rpartition("@")[2]
        object.__setattr__(self, "message_id", f"<{secrets.token_hex(16)}@{domain}>")

    def __bytes__(self) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = self.recipient
        message["Subject"] = self.subject
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = self.message_id
        message.set_content(self.text, cte="quoted-printable")
        return message.as_bytes()
