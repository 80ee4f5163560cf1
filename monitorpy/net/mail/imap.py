from __future__ import annotations

import re
from base64 import b64encode

from monitorpy.net.dialogue import LIMIT, Dialogue, as_text
from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient, no_mechanism, shown
from monitorpy.net.tls import TlsSettings

_LITERAL = re.compile(r"\{(\d{1,9})\+?\}$")
_FIRST_RESPONSE = 8_000
"""Characters; servers take command lines of 8 kB at least (RFC 7162, 4)."""


class ImapClient(MailClient):
    """IMAP (RFC 9051): greeting, CAPABILITY, STARTTLS, AUTHENTICATE or LOGIN; and as much as it takes to find a message."""

    def __init__(self, dialogue: Dialogue) -> None:
        super().__init__(dialogue)
        self._count = 0

    def greet(self) -> None:
        self.banner = self._line("the banner")
        if f"{self.banner} ".upper().startswith("* BYE "):
            raise self._no_service()
        if not f"{self.banner} ".upper().startswith(("* OK ", "* PREAUTH ")):
            raise self._strange(self.banner, "the banner")
        self.capabilities = self._ask_capabilities()

    def ask_for_tls(self) -> str | None:
        return self._command("STARTTLS")

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if refusal := self.ask_for_tls():
            return refusal
        self._dialogue.start_tls(settings, server_hostname)
        self.capabilities = self._ask_capabilities()
        return None

    def login(self, login: sasl.Login) -> str | None:
        if self.banner.upper().startswith("* PREAUTH"):
            return f"the server takes us for somebody already, so that it would verify nothing ({shown(self.banner)})"
        offered, disabled = self.mechanisms("AUTH"), self.has("LOGINDISABLED")
        mechanism = sasl.choose(offered, login.usable)
        if login.takes_commands and mechanism != "PLAIN" and not disabled:
            return self._command(f"LOGIN {_quoted(login.username)} {_quoted(login.secret)}")
        if mechanism is None:
            return f"{'LOGIN is disabled, and ' if disabled else ''}{no_mechanism(offered, login.usable)}"
        return self._authenticate(sasl.Exchange(mechanism, login))

    def quit(self) -> None:
        self._start("LOGOUT")

    def add_capabilities(self) -> None:
        """Ask again after a login, which mostly brings more."""
        self.capabilities = list(dict.fromkeys([*self.capabilities, *self._ask_capabilities()]))

    def open(self, mailbox: str, *, read_only: bool) -> str | None:
        """Open a mailbox; read only, nothing in it changes, not even what is new."""
        return self._command(f"{'EXAMINE' if read_only else 'SELECT'} {_quoted(_utf7(mailbox))}")

    def find(self, message_id: str) -> list[str]:
        """The UIDs of the messages with that Message-ID in the open mailbox. NOOP first: else a server need not tell what is new."""
        lines: list[str] = []
        for command in ("NOOP", f"UID SEARCH HEADER Message-ID {_quoted(message_id)}"):
            lines.clear()
            if refusal := self._command(command, lines):
                raise self._strange(refusal, f"the answer to {command.partition(' HEADER')[0]}")
        words = [word for line in lines if line.upper().startswith("* SEARCH") for word in line.split()[2:]]
        return [word for word in words if word.isascii() and word.isdecimal()]

    def delete(self, uid: str) -> str | None:
        """Mark a message as deleted; where the server can remove just this one (UIDPLUS, RFC 4315), it is gone."""
        if refusal := self._command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)"):
            return refusal
        self.add_capabilities()
        return self._command(f"UID EXPUNGE {uid}") if self.has("UIDPLUS") else None

    def _ask_capabilities(self) -> list[str]:
        lines: list[str] = []
        if refusal := self._command("CAPABILITY", lines):
            raise self._strange(refusal, "the answer to CAPABILITY")
        found = [line.split()[2:] for line in lines if line.upper().startswith("* CAPABILITY")]
        return [word for words in found for word in words]

    def _authenticate(self, exchange: sasl.Exchange) -> str | None:
        waiting_for = "the answer to AUTHENTICATE"
        tag = self._start(f"AUTHENTICATE {exchange.opening(_FIRST_RESPONSE if self.has('SASL-IR') else 0)}")
        end = self._untagged(tag, waiting_for, [])
        while end.startswith("+") and (answer := exchange.respond(end[1:].strip())) is not None:
            self._send(answer)
            end = self._untagged(tag, waiting_for, [])
        return exchange.verdict(shown(end), good=_good(end))

    def _command(self, command: str, lines: list[str] | None = None) -> str | None:
        """Send a command; returns the refusal. What comes before the end of the answer goes into ``lines``."""
        verb = command.partition(" ")[0]
        end = self._untagged(self._start(command), f"the answer to {verb}", [] if lines is None else lines)
        return None if _good(end) else shown(end)

    def _start(self, command: str) -> str:
        self._count += 1
        tag = f"m{self._count}"
        self._send(f"{tag} {command}")
        return tag

    def _untagged(self, tag: str, waiting_for: str, lines: list[str]) -> str:
        """Read up to the line that ends the command or asks to go on, and return it without the tag; the others go into ``lines``."""
        for _ in range(MAX_LINES):
            line = self._response(waiting_for)
            if line.startswith(f"{tag} "):
                return line.removeprefix(f"{tag} ")
            if line.startswith("+"):
                return line
            if not line.startswith("* ") or line.upper().startswith("* BYE"):
                raise self._strange(line, waiting_for)
            lines.append(line)
        raise self._strange(f"{MAX_LINES} lines without an end", waiting_for)

    def _response(self, waiting_for: str) -> str:
        """A line with the literals in it (RFC 9051, 4.3): "{5}", a line end, five bytes, the rest of the line."""
        whole = line = self._line(waiting_for)
        while found := _LITERAL.search(line):
            if len(whole) + int(found[1]) > LIMIT:
                raise self._strange(f"a literal of {found[1]} bytes", waiting_for)
            literal = as_text(self._dialogue.read_exactly(int(found[1]), waiting_for))
            line = self._line(waiting_for)
            whole += literal + line
        return whole


def _good(end: str) -> bool:
    return end.upper().split(" ", 1)[0] == "OK"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utf7(name: str) -> str:
    """The name of a mailbox as it travels (RFC 3501, 5.1.3)."""

    def shifted(found: re.Match[str]) -> str:
        return "&" + b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))
