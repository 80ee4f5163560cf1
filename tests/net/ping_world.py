"""A network of its own for tests of ping: a link at whose end this process answers. It needs root, and /dev/net/tun."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from monitorpy.net.icmp import checksum

TARGETS = {4: "198.51.100.7", 6: "2001:db8:7::7"}
ROUTERS = {4: "10.9.0.2", 6: "fd99::2"}
REQUEST, REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
_SETUP = """link set lo up
addr add 10.9.0.1/24 dev t0
-6 addr add fd99::1/64 dev t0 nodad
link set t0 up
route add 198.51.100.0/24 dev t0
-6 route add 2001:db8:7::/64 dev t0
route add unreachable 198.18.0.0/24"""


class Packet:
    """An ICMP packet under IP; ``version`` is 4 or 6, addresses are packed."""

    def __init__(self, version, source, destination, message):
        self.version, self.source, self.destination, self.message = version, source, destination, message

    @classmethod
    def parse(cls, data):
        """The packet, or None where it is no echo request."""
        version = data[0] >> 4
        made = cls(4, data[12:16], data[16:20], data[20:]) if version == 4 else cls(6, data[8:24], data[24:40], data[40:])
        protocol = data[9] if version == 4 else data[6]
        return made if protocol in {1, 58} and made.message[0] == REQUEST[version] else None

    @property
    def sequence(self):
        return int.from_bytes(self.message[6:8], "big")

    def wire(self):
        message = self.message[:2] + b"\0\0" + self.message[4:]
        if self.version == 4:
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(message), 0, 0, 64, 1, 0, self.source, self.destination)
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
            return head + message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        pseudo = self.source + self.destination + struct.pack("!II", len(message), 58)
        summed = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
        return struct.pack("!IHBB16s16s", 6 << 28, len(message), 58, 64, self.source, self.destination) + summed

    def reply(self, *, sender=None, identifier=None, payload=None):
        """What a host answers; or a forgery of it."""
        body = self.message[8:] if payload is None else payload
        ident = self.message[4:6] if identifier is None else identifier
        source = packed(self.version, sender) if sender else self.destination
        return Packet(self.version, source, self.source, bytes([REPLY[self.version], 0, 0, 0]) + ident + self.message[6:8] + body).wire()

    def trouble(self, kind, code, *, about=None):
        """What a router says of it."""
        quoted = (about or self).wire()
        message = bytes([kind, code, 0, 0, 0, 0, 0, 0]) + quoted[:100]
        return Packet(self.version, packed(self.version, ROUTERS[self.version]), self.source, message).wire()


def packed(version, host):
    return socket.inet_pton(socket.AF_INET if version == 4 else socket.AF_INET6, host)


@contextmanager
def network(answer, *, permitted):
    """``yield``s a function that runs a call in there; ``answer(Packet)`` gives the packets that come back to an echo request.

    ``permitted``: whether datagram sockets may ping. Raises OSError where it cannot be made.
    """
    executor = ThreadPoolExecutor(1)  # one thread lives in the new namespace
    stop = threading.Event()
    tun = executor.submit(_enter, permitted).result()
    router = threading.Thread(target=_route, args=(tun, answer, stop), daemon=True)
    router.start()
    try:
        yield lambda call: executor.submit(call).result()
    finally:
        stop.set()
        router.join(5)
        os.close(tun)
        executor.shutdown()


def _enter(permitted):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000):  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"t0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as setting:  # noqa: PTH123 - a file of the system
        setting.write("0 2147483647" if permitted else "1 0")
    for line in _SETUP.splitlines():
        subprocess.run(["ip", *line.split()], check=True, capture_output=True)
    return tun


def _route(tun, answer, stop):
    while not stop.is_set():
        if select.select([tun], [], [], 0.02)[0] and (packet := Packet.parse(os.read(tun, 70_000))):
            for back in answer(packet):
                os.write(tun, back)
