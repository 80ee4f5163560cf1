from __future__ import annotations

import re
from dataclasses import dataclass

from monitorpy.errors import NetError
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient, no_mechanism, shown
from monitorpy.net.tls import TlsSettings

_CODE = re.compile("[0-9]{3}")
_FIRST_RESPONSE = 512 - len("AUTH OAUTHBEARER \r\n")
"""Characters that fit into the AUTH command (RFC 4954, 4); a longer response is sent when it is asked for."""
_FIRST_TOKEN = 12_288
"""The same for XOAUTH2: those who made it document the token in the command, however long, and not all servers ask for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of an SMTP server: its code, and the text of each line."""

    code: int
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300  # noqa: PLR2004 - RFC 5321, 4.2.1

    @property
    def temporary(self) -> bool:
        """A refusal for now, as of greylisting."""
        return 400 <= self.code < 500  # noqa: PLR2004 - RFC 5321, 4.2.1

    @property
    def refusal(self) -> str:
        """The reply as a refusal in a message."""
        return f"{shown(str(self))}{' (temporary: a later attempt may pass)' if self.temporary else ''}"

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}".strip()


class SmtpClient(MailClient):
    """SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH (RFC 4954)."""

    def __init__(self, dialogue: Dialogue, local_address: str) -> None:
        """``local_address`` is our end of the connection: the name for EHLO, without a look-up."""
        super().__init__(dialogue)
        address = local_address.partition("%")[0]  # without the zone of a link-local one
        self._local_name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def greet(self) -> None:
        reply = self._reply("the banner")
        self.banner = str(reply)
        if not reply.good:
            raise self._refuses(reply)
        if reply.code != 220:  # noqa: PLR2004 - RFC 5321, 4.3.2: the only welcome
            raise self._strange(self.banner, "the banner")
        self._hello()

    def ask_for_tls(self) -> str | None:
        reply = self._command("STARTTLS")
        return None if reply.good else reply.refusal

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if refusal := self.ask_for_tls():
            return refusal
        self._dialogue.start_tls(settings, server_hostname)
        self._hello()
        return None

    def login(self, login: sasl.Login) -> str | None:
        offered = self.mechanisms("AUTH")
        mechanism = sasl.choose(offered, login.usable)
        if mechanism is None:
            return no_mechanism(offered, login.usable)
        exchange = sasl.Exchange(mechanism, login)
        reply = self._command(f"AUTH {exchange.opening(_FIRST_TOKEN if mechanism == 'XOAUTH2' else _FIRST_RESPONSE)}")
        while reply.code == 334 and (answer := exchange.respond(reply.lines[0])) is not None:  # noqa: PLR2004 - RFC 4954, 4: go on
            reply = self._command(answer, "AUTH")
        return exchange.verdict(reply.refusal, good=reply.code == 235)  # noqa: PLR2004 - RFC 4954, 6: authenticated

    def send(self, sender: str, recipient: str, message: bytes) -> str | None:
        """Hand over one message; None once the server has taken responsibility for it, else its refusal."""
        lines = message.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        if (limit := self._size_limit()) and (size := sum(len(line) + 2 for line in lines)) > limit:
            return f"the message has {size} bytes, the server takes {limit} (SIZE)"
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
            if not (reply := self._command(command)).good:
                return f"{command.partition(':')[0]}: {reply.refusal}"
        if (reply := self._command("DATA")).code != 354:  # noqa: PLR2004 - RFC 5321, 4.3.2
            return f"DATA: {reply.refusal}"
        stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
        self._refuse_early_answers("the end of the message")
        self._dialogue.send(b"\r\n".join([*stuffed, b".", b""]))
        reply = self._reply("the answer to the message")
        return None if reply.good else f"message: {reply.refusal}"

    def quit(self) -> None:
        self._send("QUIT")

    def _hello(self) -> None:
        reply = self._command(f"EHLO {self._local_name}")
        self.capabilities = [line for line in reply.lines[1:] if line] if reply.good else []
        if not reply.good and not reply.temporary:
            reply = self._command(f"HELO {self._local_name}")  # an old server (RFC 5321, 3.2)
        if not reply.good:
            raise self._refuses(reply)

    def _size_limit(self) -> int:
        """Bytes of the largest message that the server takes (RFC 1870); 0 where it names none."""
        words = [capability.split() for capability in self.capabilities]
        found = next((word[1] for word in words if word[0].upper() == "SIZE" and len(word) > 1), "0")
        return int(found) if found.isascii() and found.isdecimal() and len(found) <= 20 else 0  # noqa: PLR2004 - RFC 1870, 3

    def _command(self, line: str, verb: str = "") -> Reply:
        verb = verb or line.partition(" ")[0]
        self._refuse_early_answers(verb)
        self._send(line)
        return self._reply(f"the answer to {verb}")

    def _reply(self, waiting_for: str) -> Reply:
        lines: list[str] = []
        first = ""
        while len(lines) < MAX_LINES:
            line = self._line(waiting_for)
            code, mark, text = line[:3], line[3:4], line[4:]
            first = first or code
            if not _CODE.fullmatch(code) or mark not in {"", " ", "-"} or code != first:  # RFC 5321, 4.2.1: one code in all lines
                raise self._strange(line, waiting_for)
            lines.append(text)
            if mark != "-":
                return Reply(int(code), tuple(lines))
        raise self._strange(f"{MAX_LINES} lines without an end", waiting_for)

    def _refuses(self, reply: Reply) -> NetError:
        return NetError(f"{self._dialogue.peer} refuses service: {reply.refusal}", phase="transfer", kind="protocol")
