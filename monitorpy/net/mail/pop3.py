from __future__ import annotations

from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient, no_mechanism
from monitorpy.net.tls import TlsSettings


class Pop3Client(MailClient):
    """POP3 (RFC 1939) with CAPA and STLS (RFC 2449, RFC 2595), AUTH (RFC 5034) or USER and PASS."""

    def greet(self) -> None:
        self.banner = self._line("the banner")
        if not _good(self.banner):
            raise self._strange(self.banner, "the banner")
        self._ask_capabilities()

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if not _good(reply := self._command("STLS")):
            return reply
        self._dialogue.start_tls(settings, server_hostname)
        self._ask_capabilities()
        return None

    def login(self, username: str, password: str) -> str | None:
        offered = self.mechanisms("SASL")
        mechanism = sasl.choose(offered, ("PLAIN",))
        if mechanism is None and ("USER" in map(str.upper, self.capabilities) or not offered):
            return self._user_and_pass(username, password)
        mechanism = mechanism or sasl.choose(offered)
        if mechanism is None:
            return no_mechanism(offered)
        reply = self._command(f"AUTH {mechanism}")
        for step in sasl.steps(mechanism, username, password):
            if not f"{reply} ".startswith("+ "):
                return reply  # a +OK too: it has not seen the password
            self._send(sasl.encode(step(sasl.decode(reply[1:].strip()))))
            reply = self._answer("AUTH")
        return None if _good(reply) else reply

    def quit(self) -> None:
        self._send("QUIT")

    def _user_and_pass(self, username: str, password: str) -> str | None:
        for command in (f"USER {username}", f"PASS {password}"):
            if not _good(reply := self._command(command)):
                return reply
        return None

    def _ask_capabilities(self) -> None:
        self.capabilities = []
        if not _good(self._command("CAPA")):
            return  # an old server: it has none to name
        for _ in range(MAX_LINES):
            line = self._line("the end of the answer to CAPA")
            if line == ".":
                return
            self.capabilities.append(line)
        raise self._strange(f"{MAX_LINES} lines without an end", "the answer to CAPA")

    def _command(self, command: str) -> str:
        self._send(command)
        return self._answer(command.partition(" ")[0])

    def _answer(self, verb: str) -> str:
        line = self._line(f"the answer to {verb}")
        if not line.startswith(("+", "-ERR")):
            raise self._strange(line, f"the answer to {verb}")
        return line


def _good(reply: str) -> bool:
    return reply.upper().startswith("+OK")
