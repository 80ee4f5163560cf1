"""The servers of the documentation that need optional packages, which the lab must not."""

from __future__ import annotations

import functools
import threading
from concurrent import futures

import grpc
from websockets.sync.server import serve

NOT_SERVING = b"shop.Payments"
_kept: list[object] = []  # a server of gRPC ends when nobody knows it any more


class _Health(grpc.GenericRpcHandler):
    """Says SERVING, of one service NOT_SERVING."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self._check) if details.method == "/grpc.health.v1.Health/Check" else None

    @staticmethod
    def _check(asked, context):
        return b"\x08\x02" if asked[2:] == NOT_SERVING else b"\x08\x01"


@functools.cache
def grpc_port() -> int:
    """A gRPC server with the health service, for as long as the process lives."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    _kept.append(server)
    server.add_generic_rpc_handlers([_Health()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return port


@functools.cache
def websocket_port() -> int:
    """A WebSocket server that answers each message with its echo in JSON."""

    def talk(there):
        for message in there:
            there.send(f'{{"echo": "{message}", "queue": 3}}')

    server = serve(talk, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.socket.getsockname()[1]
