"""A mail server that takes everything and delivers nothing: SMTP with STARTTLS and AUTH (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from monitorpy.lab.tcp_server import TcpServer

_MAX_MESSAGE = 1_000_000  # bytes


@dataclass(frozen=True)
class Mail:
    """A message that was accepted: the envelope, and the data as it came, dot-stuffing undone."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    user: str | None
    encrypted: bool


class SmtpServer(TcpServer):
    """Accepts mail into ``messages``.

    With ``starttls`` it offers STARTTLS, and AUTH only after it; with ``tls`` it speaks TLS from the start; with neither AUTH
    is offered in the clear. ``users`` maps names to passwords. Recipients whose local part is "nobody" are refused.
    """

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        name: str = "mail.lab.test",
    ) -> None:
        super().__init__(tls=tls)
        self.starttls = starttls
        self.users = dict(users or {"demo": "correct horse"})
        self.name = name
        self.messages: list[Mail] = []

    def handle(self, sock: socket.socket) -> None:
        _Session(self, sock).run()


@dataclass
class _Session:
    """One conversation. `run` reads commands and looks up ``do_COMMAND``, which returns False to end it."""

    server: SmtpServer
    sock: socket.socket
    user: str | None = None
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    stream: BinaryIO = field(init=False)

    def run(self) -> None:
        self.stream = self.sock.makefile("rb")
        try:
            self.say(f"220 {self.server.name} ESMTP MonitorPy lab")
            while line := self.stream.readline(1000):
                verb, _, argument = line.decode("utf-8", "backslashreplace").strip().partition(" ")
                command = getattr(self, f"do_{verb.lower()}", None)
                if command is None:
                    self.say("500 5.5.2 command not recognized")
                elif command(argument.strip()) is False:
                    return
        finally:
            self.stream.close()
            self.sock.close()

    def say(self, *lines: str) -> None:
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    @property
    def encrypted(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    def do_ehlo(self, _: str) -> None:
        features = [self.server.name, "PIPELINING", f"SIZE {_MAX_MESSAGE}", "8BITMIME"]
        if self.server.starttls and not self.encrypted:
            features.append("STARTTLS")
        else:
            features.append("AUTH PLAIN LOGIN")
        self.say(*(f"250-{feature}" for feature in features), "250 SMTPUTF8")

    def do_helo(self, _: str) -> None:
        self.say(f"250 {self.server.name}")

    def do_noop(self, _: str) -> None:
        self.say("250 2.0.0 OK")

    def do_rset(self, _: str) -> None:
        self.sender, self.recipients = None, []
        self.say("250 2.0.0 OK")

    def do_quit(self, _: str) -> bool:
        self.say("221 2.0.0 bye")
        return False

    def do_starttls(self, _: str) -> None:
        if self.server.starttls is None or self.encrypted:
            self.say("502 5.5.1 STARTTLS is not offered")
            return
        self.say("220 2.0.0 go ahead")
        self.stream.close()  # what was said in the clear, pipelined commands too, is forgotten
        self.user = self.sender = None
        self.recipients = []
        self.sock = self.server.secured(self.sock, self.server.starttls)
        self.stream = self.sock.makefile("rb")

    def do_auth(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        if self.server.starttls and not self.encrypted:
            self.say("538 5.7.11 encryption is required: STARTTLS first")
        elif mechanism.upper() not in {"PLAIN", "LOGIN"}:
            self.say("504 5.5.4 mechanism is not known")
        else:
            self._judge(*(self._plain(initial) if mechanism.upper() == "PLAIN" else self._login(initial)))

    def _plain(self, initial: str) -> tuple[str, str]:
        _, _, pair = (_decoded(initial) if initial else self._ask("")).partition("\0")
        user, _, password = pair.partition("\0")
        return user, password

    def _login(self, initial: str) -> tuple[str, str]:
        user = _decoded(initial) if initial else self._ask("Username:")
        return user, self._ask("Password:")

    def _ask(self, prompt: str) -> str:
        self.say("334 " + base64.b64encode(prompt.encode()).decode())
        return _decoded(self.stream.readline(1000).decode("ascii", "replace").strip())

    def _judge(self, user: str, password: str) -> None:
        if user in self.server.users and self.server.users[user] == password:
            self.user = user
            self.say("235 2.7.0 welcome")
        else:
            self.say("535 5.7.8 authentication failed")

    def do_mail(self, argument: str) -> None:
        self.sender, self.recipients = _address(argument), []
        self.say("250 2.1.0 OK")

    def do_rcpt(self, argument: str) -> None:
        recipient = _address(argument)
        if self.sender is None:
            self.say("503 5.5.1 MAIL first")
        elif recipient.startswith("nobody@"):
            self.say(f"550 5.1.1 <{recipient}>: no such user here")
        else:
            self.recipients.append(recipient)
            self.say("250 2.1.5 OK")

    def do_data(self, _: str) -> bool | None:
        if not self.recipients or self.sender is None:
            self.say("503 5.5.1 RCPT first")
            return None
        self.say("354 end with a dot on a line by itself")
        data = b""
        while (line := self.stream.readline(_MAX_MESSAGE)) != b".\r\n":
            if not line:  # the client went away in the middle
                return False
            data = (data + line.removeprefix(b"."))[: _MAX_MESSAGE + 1]
        if len(data) > _MAX_MESSAGE:
            self.say("552 5.3.4 message is too large")
        else:
            self.server.messages.append(Mail(self.sender, tuple(self.recipients), data, self.user, self.encrypted))
            self.say(f"250 2.0.0 accepted as {len(self.server.messages)}")
        self.sender, self.recipients = None, []
        return None


def _address(argument: str) -> str:
    """What stands between the angle brackets of ``FROM:<a@b> SIZE=10``."""
    return argument.partition("<")[2].partition(">")[0]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "backslashreplace")
    except binascii.Error:
        return ""
