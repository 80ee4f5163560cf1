"""SMTP, IMAP and POP3 servers, one connection at a time being simple enough to read; scripts for servers_tcp.py.

``replies`` maps a verb in upper case to the bytes to send in place of the usual answer (b"" is silence, None closes).
``log`` has every line that came; ``users`` who may log in.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import socket
import ssl
from copy import copy

CHALLENGE = b"<1896.697170952@lab>"


class MailScript:
    banner = b""

    def __init__(self, tls: ssl.SSLContext | None = None, **options) -> None:
        self.tls = tls
        self.replies: dict[str, bytes | None] = {}
        self.log: list[str] = []
        self.users = {"alice": "secret"}
        self.token = "good-token"
        self.reason = json.dumps({"status": "401", "schemes": "bearer", "scope": "mail"}).encode()
        self.messages: list[bytes] = []
        self.mechanisms = ["PLAIN", "LOGIN"]
        self.secured = False
        self.__dict__.update(options)

    def __call__(self, sock: socket.socket) -> None:
        session = copy(self)  # what belongs to one connection; the lists are shared
        session.sock = sock
        session.secured = isinstance(sock, ssl.SSLSocket)
        try:
            session.talk()
        finally:
            session.sock.close()

    def talk(self) -> None:
        self.say(self.replies.get("BANNER", self.banner))
        while (line := self.line()) is not None:
            verb = self.verb(line)
            if verb in self.replies:
                if (reply := self.replies[verb]) is None:
                    return
                self.say(self.tagged(line, reply))
            elif self.handle(verb, line) is False:
                return

    def line(self) -> str | None:
        data = b""
        while not data.endswith(b"\n"):
            if not (byte := self.sock.recv(1)):
                return None
            data += byte
        self.log.append(data.decode(errors="replace").rstrip("\r\n"))
        return self.log[-1]

    def say(self, data: bytes) -> None:
        if data:
            self.sock.sendall(data)

    def upgrade(self) -> None:
        self.sock = self.tls.wrap_socket(self.sock, server_side=True)
        self.secured = True

    def verb(self, line: str) -> str:
        return line.split(" ", maxsplit=1)[0].upper()

    def tagged(self, line: str, reply: bytes) -> bytes:
        return reply

    def sasl(self, mechanism: str, initial: str | None, prompt: bytes) -> bool:
        """The server's side of a login, told apart by mechanism."""

        def ask(challenge: bytes) -> bytes:
            self.say(prompt + base64.b64encode(challenge) + b"\r\n")
            return base64.b64decode(self.line())

        if mechanism == "PLAIN":
            _, user, password = (base64.b64decode(initial) if initial else ask(b"")).decode().split("\0")
            return self.users.get(user) == password
        if mechanism == "LOGIN":
            return self.users.get(ask(b"Username:").decode()) == ask(b"Password:").decode()
        if mechanism in {"XOAUTH2", "OAUTHBEARER"}:
            start = {"XOAUTH2": "user=alice", "OAUTHBEARER": "n,a=alice,"}[mechanism]
            told = base64.b64decode(initial) if initial else ask(b"")
            if good := told == f"{start}\1auth=Bearer {self.token}\1\1".encode():
                return good
            ask(self.reason)
            return False
        user, digest = ask(CHALLENGE).decode().split(" ")
        return hmac.new(self.users.get(user, "").encode(), CHALLENGE, "md5").hexdigest() == digest


class Smtp(MailScript):
    banner = b"220 mail.lab.test ESMTP ready\r\n"

    def handle(self, verb: str, line: str) -> bool | None:
        if verb == "EHLO":
            offers = ["SIZE 1000000", "8BITMIME"]
            offers += ["STARTTLS"] if self.tls and not self.secured else []
            offers += [f"AUTH {' '.join(self.mechanisms)}"] if self.mechanisms else []
            lines = ["mail.lab.test", *offers]
            self.say(b"".join(f"250{'-' if n < len(lines) else ' '}{text}\r\n".encode() for n, text in enumerate(lines, 1)))
        elif verb == "STARTTLS":
            self.say(b"220 go ahead\r\n" if self.tls else b"502 5.5.1 not implemented\r\n")
            if self.tls:
                self.upgrade()
        elif verb == "AUTH":
            _, mechanism, *initial = line.split(" ")
            good = self.sasl(mechanism, initial[0] if initial else None, b"334 ")
            self.say(b"235 2.7.0 welcome\r\n" if good else b"535 5.7.8 bad credentials\r\n")
        elif verb == "DATA":
            self.say(b"354 go on\r\n")
            lines = []
            while (text := self.line()) not in {".", None}:
                lines.append(text)
            self.messages.append("\n".join(lines).encode())
            self.say(self.replies.get("MESSAGE", b"250 2.0.0 queued as 7\r\n"))
        elif verb == "QUIT":
            self.say(b"221 bye\r\n")
            return False
        else:
            self.say(b"250 ok\r\n")
        return None


class Imap(MailScript):
    """``inbox`` has the messages, b"" where one was removed; ``arrives_after`` so many looks. ``later``: capabilities after the login."""

    banner = b"* OK lab IMAP ready\r\n"
    extra = ("SASL-IR", "IDLE")
    later = ()
    arrives_after = 1
    read_only = False
    known = False
    looks = 0

    def __init__(self, tls: ssl.SSLContext | None = None, **options) -> None:
        self.inbox: list[bytes] = []
        super().__init__(tls, **options)

    def verb(self, line: str) -> str:
        return line.split(" ")[1].upper()

    def tagged(self, line: str, reply: bytes) -> bytes:
        return reply.replace(b"TAG", line.split(" ", maxsplit=1)[0].encode())

    def handle(self, verb: str, line: str) -> bool | None:
        tag = line.split(" ", maxsplit=1)[0].encode()
        if verb == "CAPABILITY":
            offers = ["IMAP4rev1", *self.extra, *(f"AUTH={name}" for name in self.mechanisms)]
            offers = ["IMAP4rev1", *self.later] if self.known and self.later else offers
            offers += ["STARTTLS"] if self.tls and not self.secured else []
            self.say(b"* CAPABILITY " + " ".join(offers).encode() + b"\r\n" + tag + b" OK done\r\n")
        elif verb == "STARTTLS":
            self.say(tag + (b" OK go ahead\r\n" if self.tls else b" BAD unknown command\r\n"))
            if self.tls:
                self.upgrade()
        elif verb == "AUTHENTICATE":
            _, _, mechanism, *initial = line.split(" ")
            good = self.sasl(mechanism, initial[0] if initial else None, b"+ ")
            self.known = good
            self.say(tag + (b" OK welcome\r\n" if good else b" NO [AUTHENTICATIONFAILED] bad credentials\r\n"))
        elif verb in {"EXAMINE", "SELECT"}:
            good = self.known and line.endswith('"INBOX"')
            self.say(b"* FLAGS (\\Seen)\r\n* 1 EXISTS\r\n" + tag + (b" OK open\r\n" if good else b" NO [NONEXISTENT] no such mailbox\r\n"))
        elif verb == "UID" and "STORE" in line and self.read_only:
            self.say(tag + b" NO read-only\r\n")
        elif verb in {"NOOP", "UID"}:
            self.say(self.found(line) + tag + b" OK done\r\n")
        elif verb == "LOGIN":
            good = self.known = line.split(" ", 2)[2] == '"alice" "secret"'
            self.say(tag + (b" OK welcome\r\n" if good else b" NO bad credentials\r\n"))
        else:
            self.say(b"* BYE\r\n" + tag + b" OK bye\r\n")
            return False
        return None

    def found(self, line: str) -> bytes:
        """The untagged part of the answer to NOOP and the UID commands."""
        if wanted := re.search(r'UID SEARCH HEADER Message-ID "(.*)"$', line):
            self.looks += 1
            there = [n for n, message in enumerate(self.inbox, 1) if f"Message-ID: {wanted[1]}".encode() in message]
            return (
                f"* SEARCH {' '.join(map(str, there))}".strip().encode() + b"\r\n" if self.looks >= self.arrives_after else b"* SEARCH\r\n"
            )
        if expunged := re.search(r"UID EXPUNGE (\d+)$", line):
            self.inbox[int(expunged[1]) - 1] = b""
        return b"* 3 EXISTS\r\n"


class Pop3(MailScript):
    banner = b"+OK lab POP3 ready\r\n"
    user_command = True

    def handle(self, verb: str, line: str) -> bool | None:
        if verb == "CAPA":
            offers = ["UIDL", *(["USER"] if self.user_command else [])]
            offers += [f"SASL {' '.join(self.mechanisms)}"] if self.mechanisms else []
            offers += ["STLS"] if self.tls and not self.secured else []
            self.say(b"+OK\r\n" + "".join(f"{text}\r\n" for text in offers).encode() + b".\r\n")
        elif verb == "STLS":
            self.say(b"+OK go ahead\r\n" if self.tls else b"-ERR unknown command\r\n")
            if self.tls:
                self.upgrade()
        elif verb == "AUTH":
            self.say(b"+OK welcome\r\n" if self.sasl(line.split(" ")[1], None, b"+ ") else b"-ERR bad credentials\r\n")
        elif verb == "PASS":
            self.say(b"+OK welcome\r\n" if self.log[-2:] == ["USER alice", "PASS secret"] else b"-ERR bad credentials\r\n")
        elif verb == "QUIT":
            self.say(b"+OK bye\r\n")
            return False
        else:
            self.say(b"+OK\r\n")
        return None
