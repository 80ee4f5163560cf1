"""A well-behaved line protocol, enough for a dialogue: a greeting, and an answer to each known line."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from monitorpy.lab.tcp_server import TcpServer

ANSWERS: Mapping[str, str] = {"PING": "+PONG", "INFO": "+lab 1.0, up 3 days"}


class LineServer(TcpServer):
    """Answers lines as ``answers`` says, others with an error; ``QUIT`` ends the conversation. Lines end with CR LF."""

    def __init__(self, greeting: str = "+READY lab 1.0", answers: Mapping[str, str] = ANSWERS) -> None:
        super().__init__()
        self.greeting = greeting
        self.answers = answers

    def handle(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as lines:
            sock.sendall(f"{self.greeting}\r\n".encode())
            for raw in lines:
                line = raw.decode("utf-8", "backslashreplace").strip()
                if line.upper() == "QUIT":
                    return
                sock.sendall(f"{self.answers.get(line.upper(), '-ERR unknown command')}\r\n".encode())
