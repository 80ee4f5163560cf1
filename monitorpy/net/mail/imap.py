from __future__ import annotations

from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient
from monitorpy.net.tls import TlsSettings


class ImapClient(MailClient):
    """IMAP (RFC 9051): greeting, CAPABILITY, STARTTLS, AUTHENTICATE or LOGIN."""

    def __init__(self, dialogue: Dialogue) -> None:
        super().__init__(dialogue)
        self._count = 0

    def greet(self) -> None:
        self.banner = self._line("the banner")
        if not self.banner.upper().startswith(("* OK", "* PREAUTH")):
            raise self._strange(self.banner, "the banner")
        self._ask_capabilities()

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if refusal := self._refusal(self._command("STARTTLS")):
            return refusal
        self._dialogue.start_tls(settings, server_hostname)
        self._ask_capabilities()
        return None

    def login(self, username: str, password: str) -> str | None:
        mechanism = sasl.choose(self.mechanisms("AUTH"), ("PLAIN",))
        if mechanism is None and "LOGINDISABLED" not in map(str.upper, self.capabilities):
            return self._refusal(self._command(f"LOGIN {_quoted(username)} {_quoted(password)}"))
        mechanism = mechanism or sasl.choose(self.mechanisms("AUTH"))
        if mechanism is None:
            return "the server has LOGIN disabled and offers no other usable way to log in"
        return self._authenticate(mechanism, sasl.steps(mechanism, username, password))

    def quit(self) -> None:
        self._start("LOGOUT")

    def _authenticate(self, mechanism: str, steps: list[sasl.Step]) -> str | None:
        initial = ""
        if mechanism == "PLAIN" and "SASL-IR" in map(str.upper, self.capabilities):
            initial = f" {sasl.encode(steps.pop(0)(b''))}"
        tag = self._start(f"AUTHENTICATE {mechanism}{initial}")
        waiting_for = "the answer to AUTHENTICATE"
        for step in steps:
            line = self._untagged(tag, waiting_for, [])
            if not line.startswith("+"):
                return line  # an OK too: it has not seen the password
            self._send(sasl.encode(step(sasl.decode(line[1:].strip()))))
        return self._refusal(self._untagged(tag, waiting_for, []))

    def _ask_capabilities(self) -> None:
        lines: list[str] = []
        tag = self._start("CAPABILITY")
        end = self._untagged(tag, "the answer to CAPABILITY", lines)
        if refusal := self._refusal(end):
            raise self._strange(refusal, "the answer to CAPABILITY")
        found = [line.split()[2:] for line in lines if line.upper().startswith("* CAPABILITY")]
        self.capabilities = [word for words in found for word in words]

    def _command(self, command: str) -> str:
        """Send a command; returns the line that ends its answer."""
        verb = command.partition(" ")[0]
        return self._untagged(self._start(command), f"the answer to {verb}", [])

    def _start(self, command: str) -> str:
        self._count += 1
        tag = f"m{self._count}"
        self._send(f"{tag} {command}")
        return tag

    def _untagged(self, tag: str, waiting_for: str, lines: list[str]) -> str:
        """Read up to the line that ends the command or asks to go on, and return it without the tag; the others go into ``lines``."""
        for _ in range(MAX_LINES):
            line = self._line(waiting_for)
            if line.startswith(f"{tag} "):
                return line.removeprefix(f"{tag} ")
            if line.startswith("+"):
                return line
            if not line.startswith("* ") or line.upper().startswith("* BYE"):
                raise self._strange(line, waiting_for)
            lines.append(line)
        raise self._strange(f"{MAX_LINES} lines without an end", waiting_for)

    @staticmethod
    def _refusal(end: str) -> str | None:
        return None if end.upper().split(" ", 1)[0] == "OK" else end


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
