from __future__ import annotations

from dataclasses import dataclass

from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient, no_mechanism
from monitorpy.net.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of an SMTP server: its code, and the text of each line."""

    code: int
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300  # noqa: PLR2004 - RFC 5321, 4.2.1

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}".strip()


class SmtpClient(MailClient):
    """SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH (RFC 4954)."""

    def __init__(self, dialogue: Dialogue, local_address: str) -> None:
        """``local_address`` is our end of the connection: the name for EHLO, without a look-up."""
        super().__init__(dialogue)
        self._local_name = f"[IPv6:{local_address}]" if ":" in local_address else f"[{local_address}]"

    def greet(self) -> None:
        reply = self._reply("the banner")
        self.banner = str(reply)
        if not reply.good:
            raise self._strange(self.banner, "the banner")
        self._hello()

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if not (reply := self._command("STARTTLS")).good:
            return str(reply)
        self._dialogue.start_tls(settings, server_hostname)
        self._hello()
        return None

    def login(self, username: str, password: str) -> str | None:
        offered = self.mechanisms("AUTH")
        mechanism = sasl.choose(offered)
        if mechanism is None:
            return no_mechanism(offered)
        steps = sasl.steps(mechanism, username, password)
        first = f" {sasl.encode(steps.pop(0)(b''))}" if mechanism == "PLAIN" else ""
        reply = self._command(f"AUTH {mechanism}{first}", "the answer to AUTH")
        for step in steps:
            if reply.code != 334:  # noqa: PLR2004 - RFC 4954, 4: go on
                return str(reply)
            reply = self._command(sasl.encode(step(sasl.decode(reply.lines[0]))), "the answer to AUTH")
        return None if reply.code == 235 else str(reply)  # noqa: PLR2004 - RFC 4954, 6: authenticated

    def send(self, sender: str, recipient: str, message: bytes) -> str | None:
        """Hand over one message; None once the server has taken responsibility for it, else its refusal."""
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
            if not (reply := self._command(command)).good:
                return f"{command.partition(':')[0]}: {reply}"
        if (reply := self._command("DATA")).code != 354:  # noqa: PLR2004 - RFC 5321, 4.3.2
            return f"DATA: {reply}"
        lines = message.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
        self._dialogue.send(b"\r\n".join([*stuffed, b".", b""]))
        reply = self._reply("the answer to the message")
        return None if reply.good else f"message: {reply}"

    def quit(self) -> None:
        self._send("QUIT")

    def _hello(self) -> None:
        reply = self._command(f"EHLO {self._local_name}")
        if reply.good:
            self.capabilities = [line for line in reply.lines[1:] if line]
            return
        self.capabilities = []
        if not (old := self._command(f"HELO {self._local_name}")).good:
            raise self._strange(str(old), "the answer to HELO")

    def _command(self, line: str, waiting_for: str = "") -> Reply:
        self._send(line)
        return self._reply(waiting_for or f"the answer to {line.partition(' ')[0]}")

    def _reply(self, waiting_for: str) -> Reply:
        lines: list[str] = []
        while len(lines) < MAX_LINES:
            line = self._line(waiting_for)
            code, mark, text = line[:3], line[3:4], line[4:]
            if not (code.isascii() and code.isdigit()) or mark not in {"", " ", "-"}:
                raise self._strange(line, waiting_for)
            lines.append(text)
            if mark != "-":
                return Reply(int(code), tuple(lines))
        raise self._strange(f"{MAX_LINES} lines without an end", waiting_for)
