from __future__ import annotations

import errno
import importlib.util
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitorpy.errors import NetError
from monitorpy.net import ping as module
from monitorpy.net.deadline import Deadline
from monitorpy.net.icmp import Reply, checksum, echo_request, parse
from monitorpy.net.ping import Pings, fits, patience, ping
from monitorpy.net.resolve import Address, resolve

V4, V6 = socket.AF_INET, socket.AF_INET6


def send(host="127.0.0.1", *, seconds=2.0, count=3, interval=0.005, size=16, pings=None):
    deadline, pings = Deadline(seconds), pings or Pings(host)
    ping(pings, resolve(host, 0, deadline)[0], deadline, count=count, interval=interval, size=size)
    return pings


# --- the system's own answers, over loopback


@pytest.fixture
def permitted():
    """Skips where this machine permits no ping."""
    try:
        send(count=1)
    except NetError as refused:
        if refused.fault == "environment":
            pytest.skip(str(refused))
        raise


@pytest.mark.usefixtures("permitted")
def test_loopback():
    pings = send("127.0.0.1", count=3)
    assert (pings.peer, pings.sent, pings.received, pings.loss_percent, pings.duplicates) == ("127.0.0.1", 3, 3, 0, 0)
    assert sorted(pings.times) == [1, 2, 3]
    assert all(0 < seconds < 1 for seconds in pings.times.values())


def need_ipv6():
    try:
        with socket.socket(V6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.usefixtures("permitted")
def test_loopback_over_ipv6():
    need_ipv6()
    assert send("::1", size=8).received == 3
    assert send("0::1", size=8).received == 3  # written in another way


@pytest.mark.usefixtures("permitted")
def test_the_largest():
    assert send(size=65_507, count=1).received == 1
    with pytest.raises(NetError, match=r"a payload of 65508 bytes is too large for an echo request to 127\.0\.0\.1") as caught:
        send(size=65_508, count=1)
    assert (caught.value.kind, caught.value.fault) == ("config", "config")


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_many_at_once_take_no_answers_of_others(host):
    if host == "::1":
        need_ipv6()
    with ThreadPoolExecutor(50) as pool:  # each of its raw sockets gets the answers of all: without a filter, its queue overflows
        done = list(pool.map(lambda _: send(host, count=4, seconds=5), range(400)))
    assert {(pings.sent, pings.received, pings.duplicates) for pings in done} == {(4, 4, 0)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_permission():
    range_ = Path("/proc/sys/net/ipv4/ping_group_range").read_text(encoding="ascii").split()
    if int(range_[0]) <= 65534 <= int(range_[1]):
        pytest.skip("this machine permits ping to everyone")
    code = "import os; from monitorpy import run_check; from monitorpy.plugins import ping; "  # before the files cannot be read any more
    code += "os.setgroups([]); os.setgid(65534); os.setuid(65534); "
    code += "r = run_check('ping', {'host': '127.0.0.1', 'count': 1}); print(r.status, r.fault, r.message)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("error environment this machine does not permit ping: set sysctl -w net.ipv4.ping_group_range=")
    assert "CAP_NET_RAW" in done.stdout


# --- a network of its own, with real sockets of both kinds


@pytest.fixture(scope="module")
def world():
    path = Path(__file__).with_name("ping_world.py")
    spec = importlib.util.spec_from_file_location("monitorpy_tests_ping_world", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(params=[(4, "datagram"), (4, "raw"), (6, "datagram"), (6, "raw")], ids=lambda p: f"ipv{p[0]}-{p[1]}")
def run(request, world):
    """Pings a host in a network of its own, whose answers are those of the function."""
    version, kind = request.param
    with ExitStack() as stack:

        def start(answer, **more):
            try:
                inside = stack.enter_context(world.network(answer, permitted=kind == "datagram"))
            except OSError as refused:
                pytest.skip(f"no network of its own here: {refused}")
            return inside(lambda: send(world.TARGETS[version], **more))

        start.version = version
        yield start


def test_world_answers(run):
    pings = run(lambda packet: [packet.reply()])
    assert (pings.sent, pings.received) == (3, 3)


def test_world_loses_one(run, ms):
    pings = run(lambda packet: [] if packet.sequence == 2 else [packet.reply()], seconds=600 * ms)
    assert sorted(pings.times) == [1, 3]
    assert pings.loss_percent == pytest.approx(33.33, abs=0.01)


def test_world_answers_late_in_another_order_and_twice(run):
    held = []

    def answer(packet):
        held.insert(0, packet.reply())
        return [*held, held[-1]] if packet.sequence == 3 else []

    pings = run(answer, interval=0.02)
    assert sorted(pings.times) == [1, 2, 3]
    assert pings.times[1] > 0.03  # counted from when it was sent


def test_world_answers_twice(run):
    pings = run(lambda packet: [packet.reply(), packet.reply()])
    assert pings.received == 3
    assert pings.duplicates >= 2  # the last one may come after the end


def test_world_forges(run, ms):
    def answer(packet):
        elsewhere = "198.51.100.8" if packet.version == 4 else "2001:db8:7::8"
        good = packet.reply()
        return [
            packet.reply(payload=b"x" * 16),
            packet.reply(payload=b""),
            packet.reply(identifier=bytes(b ^ 0xFF for b in packet.message[4:6])),
            packet.reply(sender=elsewhere),
            good[:-1] + bytes([good[-1] ^ 1]),  # damaged on the way
        ]

    assert run(answer, seconds=300 * ms).received == 0


def test_world_is_silent(run, ms):
    started = time.monotonic()
    pings = run(lambda _: [], seconds=300 * ms)
    assert time.monotonic() - started < 300 * ms + 2
    assert (pings.sent, pings.received, pings.loss_percent) == (3, 0, 100)


def test_world_has_a_router_that_complains(run):
    kinds = {4: (11, 0, "time to live exceeded, says 10.9.0.2"), 6: (1, 3, "address unreachable, says fd99::2")}
    kind, code, text = kinds[run.version]
    pings = run(lambda packet: [packet.trouble(kind, code)], seconds=30)  # and does not wait for the end
    assert pings.troubles == dict.fromkeys((1, 2, 3), text)
    assert str(pings.silence(Deadline(1))).endswith(f" is not reached: {text}")


def test_world_has_a_router_that_speaks_of_others(run, world, ms):
    other = {4: "198.51.100.8", 6: "2001:db8:7::8"}[run.version]

    def answer(packet):
        about = world.Packet(packet.version, packet.source, world.packed(packet.version, other), packet.message)
        kind = 3 if packet.version == 4 else 1
        return [packet.trouble(kind, 1, about=about), packet.reply()]

    pings = run(answer, seconds=1000 * ms)
    assert pings.received == 3


def test_world_has_no_route(world):
    try:
        with (
            world.network(lambda _: [], permitted=False) as inside,
            pytest.raises(NetError, match="no route to host while sending") as caught,
        ):
            inside(lambda: send("198.18.0.1"))
    except OSError as refused:
        pytest.skip(f"no network of its own here: {refused}")
    assert caught.value.kind == "connect"


# --- a system that behaves as no real one can be made to, or that we have no permission to ask


class System:
    """Stands for socket.socket: ``answer(request)`` gives (packet, sender) pairs, or errors to raise; ``kinds`` are those it has."""

    def __init__(self, answer, *, raw=True, datagram=False, refusal=None):
        self.answer, self.kinds = answer, {socket.SOCK_RAW: raw, socket.SOCK_DGRAM: datagram}
        self.refusal = refusal or PermissionError(errno.EPERM, "Operation not permitted")
        self.queue, self.told, self.options, self.send_errors = [], [], [], []

    def __call__(self, family, kind):
        if not self.kinds[kind]:
            raise self.refusal
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def setsockopt(self, *option):
        self.options.append(option)

    def settimeout(self, seconds):
        self.timeout = seconds

    def sendto(self, packet, address):
        if self.send_errors:
            raise self.send_errors.pop(0)
        self.queue += self.answer(packet)

    def recv(self, size):
        raise BlockingIOError

    def recvfrom(self, size):
        if not self.queue:
            threading.Event().wait(self.timeout)
            raise TimeoutError
        found = self.queue.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def recvmsg(self, *_):
        if not self.told:
            raise BlockingIOError
        return self.told.pop(0)


@pytest.fixture
def system(monkeypatch):
    def start(answer, **more):
        made = System(answer, **more)
        monkeypatch.setattr(module, "_socket", made)
        return made

    return start


def reply(request, *, sender="192.0.2.7", changed=lambda m: m, family=V4):
    message = changed(bytes([0 if family == V4 else 129, 0, 0, 0]) + request[4:])
    if family == V4:
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return message, (sender, 0)


def trouble(request, *, target="192.0.2.7", router="192.0.2.1"):
    quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 1, 1, 0, bytes(4), socket.inet_aton(target)) + request[:8]
    message = b"\x0b\0\0\0\0\0\0\0" + quoted
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:], (router, 0)


def extended(*, origin=2, kind=3, code=1, family=V4, option=None):
    """What Linux keeps of an ICMP error for a datagram socket: (level, option, struct sock_extended_err and an address)."""
    data = struct.pack("=IBBBBII", errno.EHOSTUNREACH, origin, kind, code, 0, 0, 0)
    if family == V4:
        data += struct.pack("=HH4s8x", V4, 0, socket.inet_aton("192.0.2.1"))
    else:
        data += struct.pack("=HHI16sI", V6, 0, 0, socket.inet_pton(V6, "2001:db8::1"), 0)
    return (*(option or ((0, 11) if family == V4 else (41, 25))), data)


def test_raw(system):
    made = system(lambda request: [reply(request)])
    assert send("192.0.2.7").received == 3
    assert [option[:2] for option in made.options] == [(socket.SOL_SOCKET, 26)]


def test_raw_over_ipv6(system):
    system(lambda request: [reply(request, sender="2001:db8::7", family=V6)])
    assert send("2001:db8:0::7").received == 3


def test_a_filter_that_is_not_taken_costs_nothing_but_time(system, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    made = system(lambda request: [reply(request)])
    monkeypatch.setattr(made, "setsockopt", refused)
    assert send("192.0.2.7").received == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open raw sockets")
@pytest.mark.parametrize("family, host", [(V4, "127.0.0.1"), (V6, "::1")])
def test_the_filter_lets_our_replies_pass_and_no_other(family, host):
    if family == V6:
        need_ipv6()
    with module._socket(family, socket.SOCK_RAW) as sock:
        sock.sendto(echo_request(family, 0x1234, 1, b"early"), (host, 0))
        module._only_answers(sock, family, 0x1234, Deadline(5))
        for identifier in (0x4321, 0x1234, 0x1235):
            sock.sendto(echo_request(family, identifier, 1, b"12345678"), (host, 0))
        sock.settimeout(0.2)
        heard = [parse(family, sock.recv(100))]
        with pytest.raises(TimeoutError):
            heard.append(sock.recv(100))
    assert heard == [Reply(0x1234, 1, b"12345678")]


def test_link_local(system):
    system(lambda request: [reply(request, sender="fe80::7%lo", family=V6)])
    pings = Pings("fe80::7%lo")
    ping(pings, Address("fe80::7%lo", 0, V6), Deadline(2), count=1, interval=1, size=8)
    assert pings.received == 1


def test_other_systems_have_no_filter(system, monkeypatch):
    monkeypatch.setattr(module, "_LINUX", False)
    made = system(lambda request: [reply(request)])
    assert send("192.0.2.7").received == 3
    assert made.options == []
    made = system(lambda request: [reply(request)], datagram=True)
    assert send("192.0.2.7").received == 3
    assert made.options == []


def test_other_systems_tell_errors_at_once(system, monkeypatch):
    monkeypatch.setattr(module, "_LINUX", False)
    system(lambda _: [OSError(errno.EHOSTUNREACH, "No route to host")], datagram=True)
    with pytest.raises(NetError, match="no route to host before it answered") as caught:
        send("192.0.2.7")
    assert (caught.value.phase, caught.value.kind) == ("first_byte", "connect")


def test_no_permission(system):
    system(lambda _: [], raw=False)
    with pytest.raises(NetError, match=r'sysctl -w net\.ipv4\.ping_group_range="0 2147483647"') as caught:
        send("192.0.2.7")
    assert (caught.value.kind, caught.value.fault) == ("environment", "environment")


def test_no_such_family(system):
    system(lambda _: [], raw=False, refusal=OSError(errno.EAFNOSUPPORT, "Address family not supported"))
    with pytest.raises(NetError, match="does not support the address family") as caught:
        send("192.0.2.7")
    assert caught.value.fault == "environment"


def test_what_is_not_ours(system, ms):
    def answer(request):
        return [
            reply(request, changed=lambda m: m[:4] + b"\0\0" + m[6:] if m[4:6] != b"\0\0" else m[:4] + b"\1\1" + m[6:]),
            reply(request, changed=lambda m: m[:6] + b"\x03\xe7" + m[8:]),  # a sequence number that was never sent
            reply(request, changed=lambda m: m[:8] + b"x" * 16),
            reply(request, sender="192.0.2.8"),
            (b"\0" * 7, ("192.0.2.7", 0)),
            trouble(request, target="192.0.2.8"),
        ]

    system(answer)
    pings = send("192.0.2.7", seconds=200 * ms)
    assert (pings.received, pings.troubles) == (0, {})


def test_duplicates_and_late_answers(system):
    held = []

    def answer(request):
        held.insert(0, reply(request))
        return [*held, held[-1], held[-1]] if len(held) == 3 else []

    system(answer)
    pings = send("192.0.2.7")
    assert pings.received == 3
    assert pings.duplicates == 0  # nothing is waited for once all are there
    held.clear()
    system(lambda request: [reply(request)] * 2)
    assert send("192.0.2.7").duplicates == 2


def test_troubles(system):
    system(lambda request: [trouble(request), trouble(request, router="192.0.2.9")])
    pings = send("192.0.2.7", seconds=30)
    assert pings.troubles == dict.fromkeys((1, 2, 3), "time to live exceeded, says 192.0.2.1")


def test_an_answer_counts_in_spite_of_troubles(system):
    system(lambda request: [trouble(request), reply(request)])
    pings = send("192.0.2.7")
    assert pings.received >= 2
    assert pings.loss_percent < 50


@pytest.mark.parametrize("family, host, router", [(V4, "192.0.2.7", "192.0.2.1"), (V6, "2001:db8::7", "2001:db8::1")])
def test_troubles_that_the_system_keeps(system, family, host, router):
    def answer(request):
        made.told += [(request, [extended(family=family, kind=3 if family == V4 else 1)], 0, (host, 0))]
        return [OSError(errno.EHOSTUNREACH, "No route to host")]

    made = system(answer, datagram=True)
    pings = send(host, seconds=30)
    what = "no route to host" if family == V4 else "communication prohibited"
    assert pings.troubles == dict.fromkeys((1, 2, 3), f"{what}, says {router}")


def test_an_earlier_error_does_not_stop_the_next_request(system):
    made = system(lambda request: [reply(request)], datagram=True)
    made.send_errors = [OSError(errno.EHOSTUNREACH, "No route to host")]
    made.told = [(b"\0" * 8, [extended()], 0, ("192.0.2.7", 0))]  # of something that is no request
    made.told += [(b"\x08" + b"\0" * 7, [extended()], 0, ("192.0.2.8", 0))]  # of a request to another host
    pings = send("192.0.2.7")
    assert (pings.sent, pings.received, pings.troubles) == (3, 3, {})


@pytest.mark.parametrize(
    "kept", [[], [(b"", [extended(origin=1)], 0, ("192.0.2.7", 0))], [(b"", [extended(option=(1, 29))], 0, ("192.0.2.7", 0))]]
)
def test_errors_of_this_machine(system, kept):
    made = system(lambda _: [], datagram=True)
    made.send_errors = [OSError(errno.ENETUNREACH, "Network is unreachable")]
    made.told = kept
    with pytest.raises(NetError, match=r"no route to 192\.0\.2\.7") as caught:
        send("192.0.2.7")
    assert (caught.value.phase, caught.value.fault) == ("send", "environment")


def test_too_large(system):
    system(lambda _: []).send_errors = [OSError(errno.EMSGSIZE, "Message too long")]
    with pytest.raises(NetError, match="a payload of 16 bytes is too large") as caught:
        send("192.0.2.7")
    assert caught.value.fault == "config"


def test_a_raw_socket_that_fails(system):
    system(lambda _: [OSError(errno.ENETDOWN, "Network is down")])
    with pytest.raises(NetError, match="Network is down") as caught:
        send("192.0.2.7")
    assert caught.value.phase == "first_byte"


def test_sending_is_bounded_too(system, ms):
    """A full queue of the device blocks: what the socket does then is done here by the timeout that it was given."""

    def full(packet, address):
        threading.Event().wait(made.timeout)
        raise TimeoutError

    made = system(lambda _: [])
    made.sendto = full
    with pytest.raises(NetError, match=r"could not send to 192\.0\.2\.7 within") as caught:
        send("192.0.2.7", seconds=100 * ms)
    assert (caught.value.phase, caught.value.kind) == ("send", "timeout")


def test_errors_of_earlier_requests_without_end(system, ms):
    made = system(lambda _: [], datagram=True)

    def failing(packet, address):
        made.told.append((packet, [extended()], 0, address))
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    made.sendto = failing
    with pytest.raises(NetError, match=r"could not send to 192\.0\.2\.7 within"):
        send("192.0.2.7", seconds=50 * ms)


def test_what_was_sent_and_received_before_it_failed_is_known(system):
    made = system(lambda request: [reply(request)])

    def answer_once(request):
        made.send_errors = [OSError(errno.ENETUNREACH, "Network is unreachable")]
        return [reply(request)]

    made.answer = answer_once
    pings = Pings("192.0.2.7")
    with pytest.raises(NetError, match=r"no route to 192\.0\.2\.7"):
        send("192.0.2.7", pings=pings, interval=0.02)
    assert (pings.sent, pings.received) == (1, 1)


def test_a_flood_before_the_filter_does_not_hold_it(system):
    made = system(lambda _: [])
    made.recv = lambda _: b"x"  # without end
    module._only_answers(made, V4, 1, Deadline(0.01))


def test_requests_that_do_not_fit():
    with pytest.raises(NetError, match=r"11 echo requests 0\.2 s apart do not fit into 2 s") as caught:
        send(count=11, interval=0.2)
    assert (caught.value.kind, caught.value.fault) == ("config", "config")


def test_requests_that_the_deadline_cuts_off(system, ms):
    system(lambda _: [])
    deadline = Deadline(300 * ms)
    deadline.seconds = 1000 * ms  # of which a name server took its part
    pings = Pings("192.0.2.7")
    with pytest.raises(NetError, match=r"only [12] of 3 echo requests to 192\.0\.2\.7 could be sent within") as caught:
        ping(pings, Address("192.0.2.7", 0, V4), deadline, count=3, interval=250 * ms, size=8)
    assert (caught.value.kind, caught.value.phase) == ("timeout", "send")
    assert pings.sent in {1, 2}


def test_lost_replies_are_told_before_the_deadline(system, ms):
    system(lambda _: [])
    deadline, pings = Deadline(500 * ms), Pings("192.0.2.7")
    ping(pings, Address("192.0.2.7", 0, V4), deadline, count=3, interval=240 * ms, size=8)
    assert pings.sent == 3
    assert not deadline.expired


def test_how_long_replies_are_waited_for():
    assert 9.7 < patience(Deadline(10)) <= 9.8
    assert 0.8 < patience(Deadline(1)) <= 0.9
    late = Deadline(0.1)
    late.seconds = 10
    assert 0 < patience(late) <= 0.05


def test_what_fits():
    assert fits(1, 60, 0.1)
    assert fits(5, 0.2, 1)
    assert not fits(6, 0.2, 1)


def test_silence():
    lost = Pings("192.0.2.7", sent=1).silence(Deadline(2))
    assert str(lost) == "no reply from 192.0.2.7 (1 sent) within 2 s"
    assert (lost.phase, lost.kind) == ("first_byte", "timeout")
    told = Pings("192.0.2.7", sent=3, troubles={1: "a", 2: "b", 3: "a"}).silence(Deadline(2))
    assert str(told) == "192.0.2.7 is not reached: a; b"
    assert told.kind == "connect"
