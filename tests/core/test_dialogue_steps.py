from __future__ import annotations

import importlib.util
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitorpy.core.dialogue_fields import Wanted
from monitorpy.core.dialogue_steps import Conversation, Step, step_problems
from monitorpy.core.plugin_config import parse_config
from monitorpy.errors import ConfigError, NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import LIMIT, Dialogue


@pytest.fixture(scope="module")
def scripts():
    path = Path(__file__).parents[1] / "plugins" / "servers_tcp.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_tcp_for_core", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def converse(scripts, ms):
    """A Conversation with a server that runs the script; ``secured`` has the handshakes that were asked for."""
    with ExitStack() as stack:

        def start(script, *, seconds=2000 * ms):
            server = stack.enter_context(scripts.running(script))
            connection = stack.enter_context(connect("127.0.0.1", server.port, Deadline(seconds), phases={}))
            secured = []
            conversation = Conversation(Dialogue(connection), secured.append)
            conversation.secured = secured
            return conversation

        yield start


def steps(*given):
    return [parse_config(Step, step) for step in given]


def answering(answers, greeting=b""):
    """Answers each message as the table says."""

    def script(sock):
        sock.sendall(greeting)
        while data := sock.recv(4096):
            sock.sendall(answers.get(data, b"? " + data))

    return script


@pytest.mark.parametrize("step", [{}, {"send": "a", "expect": "b"}])
def test_a_step_is_one_thing(step):
    given = " and ".join(sorted(step)) or "none"
    with pytest.raises(ConfigError, match=f"exactly one of expect, expect_hex, expect_regex, send, send_hex, starttls, not {given}"):
        parse_config(Step, step)


@pytest.mark.parametrize("how", [False, "telnet"])
def test_starttls_names_a_protocol(how):
    with pytest.raises(ConfigError, match="starttls: must be"):
        parse_config(Step, {"starttls": how})


@pytest.mark.parametrize(
    "given, problems",
    [
        ([{"send": "a"}], ["a dialogue without an expect step would find nothing wrong, ever"]),
        ([{"starttls": True}], []),
        ([{"starttls": "smtp"}, {"send": "a"}], []),
        ([{"starttls": True}, {"starttls": True}], ["starttls is possible once only"]),
        (
            [{"expect": "a"}, {"starttls": "imap"}],
            ["step 2: starttls: imap begins with the greeting: it must be the first step, or write starttls: true"],
        ),
        (
            [{"expect": "a"}, {"send": "\\1"}],
            ["step 2: \\1 stands for what an expect_regex captured, and there is none before it (send_hex sends any bytes)"],
        ),
        (
            [{"expect_regex": "(?P<a>b)"}, {"send": "\\1\\2\\g<a>\\g<b>\\g<0>"}],
            ["step 2: \\2 is no group of the expect_regex before it", "step 2: \\g<b> is no group of the expect_regex before it"],
        ),
        ([{"expect_regex": "(b)"}, {"expect_regex": "c"}, {"send": "\\1"}], ["step 3: \\1 is no group of the expect_regex before it"]),
        ([{"expect": "a"}, {"send": "\\0 \\n \\g<a \\x"}], []),
    ],
)
def test_problems(given, problems):
    assert list(step_problems(steps(*given))) == problems


def test_what_is_found_is_taken_up_to_its_end(converse):
    conversation = converse(answering({b"A": b"one two three"}))
    assert conversation.follow(steps({"send": "A"}, {"expect": "one"}, {"expect_regex": "^ tw."}, {"expect_hex": "7468"})) is None
    assert conversation.heard == b"one two three"


def test_what_was_found_is_not_found_again(converse, ms):
    conversation = converse(answering({b"A": b"one"}), seconds=300 * ms)
    with pytest.raises(NetError, match=r"step 3: 'one' did not come from 127\.0\.0\.1:\d+ within") as caught:
        conversation.follow(steps({"send": "A"}, {"expect": "one"}, {"expect": "one"}))
    assert caught.value.kind == "timeout"


def test_what_came_before_is_no_answer(converse, ms):
    conversation = converse(answering({b"A": b"second"}, greeting=b"first and more"))
    failure = conversation.follow(steps({"expect": "first and more"}, {"send": "A"}, {"expect": "second"}))
    assert failure is None
    conversation = converse(answering({b"A": b"second"}, greeting=b"first and more"), seconds=300 * ms)
    conversation._dialogue.read_exactly(5)
    conversation._dialogue.read_for(lambda data: data.endswith(b"more") or None, "all of it")
    failure = conversation.follow(steps({"send": "A"}, {"expect": "more"}))
    assert "(got 'second')" in str(failure)


def test_captured_values_are_sent_back(converse):
    conversation = converse(answering({b"=12\\x=b12": b"right"}, greeting=b"challenge b12;"))
    failure = conversation.follow(
        steps({"expect_regex": "(?P<kind>[a-z])(\\d+);"}, {"send": "=\\2\\x=\\g<kind>\\g<2>"}, {"expect": "right"})
    )
    assert failure is None


def test_captured_values_stay_until_another_regex(converse):
    conversation = converse(answering({b"ab": b"c"}, greeting=b"ab."))
    failure = conversation.follow(steps({"expect_regex": "(a)(b)"}, {"expect": "."}, {"send": "\\1\\2"}, {"expect_hex": "63"}))
    assert failure is None


def test_a_group_that_captured_nothing(converse):
    with pytest.raises(NetError, match=r"step 2: \\2 captured nothing in 'ab'") as caught:
        converse(answering({}, greeting=b"ab")).follow(steps({"expect_regex": "(a)b|(c)"}, {"send": "\\2"}))
    assert caught.value.kind == "expectation"


def test_what_is_captured_is_bounded(converse):
    conversation = converse(answering({}, greeting=b"x" * 1001 + b";"))
    with pytest.raises(NetError, match=r"step 2: \\1 captured 1001 bytes, at most 1000 are sent back"):
        conversation.follow(steps({"expect_regex": "(x+);"}, {"send": "\\1"}))


def test_something_else_came(converse, scripts):
    failure = converse(scripts.closing_after(b"-ERR")).follow(steps({"send_hex": "00"}, {"expect": "+PONG"}, {"send": "never"}))
    assert str(failure).startswith("step 2: expected '+PONG': 127.0.0.1:")
    assert str(failure).endswith("closed the connection before it came (got '-ERR')")
    assert (failure.path, failure.expected, failure.actual) == ("received", "'+PONG'", "-ERR")


def test_other_bytes_came(converse, scripts):
    failure = converse(scripts.closing_after(b"\x00\x02")).follow(steps({"expect_hex": "00 01"}))
    assert str(failure).startswith("step 1: expected the bytes 00 01: ")
    assert str(failure).endswith("before it came (got 00 02)")
    assert failure.actual == "00 02"


def test_a_reset_in_the_middle_is_no_answer(converse, scripts):
    def script(sock):
        sock.sendall(b"abc")
        sock.recv(1)
        scripts.resetting(sock)

    conversation = converse(script)
    with pytest.raises(NetError, match=r"step 3: .* reset the connection"):
        conversation.follow(steps({"expect": "a"}, {"send": "x"}, {"expect": "never"}))
    assert conversation.heard == b"abc"


def test_nothing_is_no_match_of_anything(converse, scripts):
    with pytest.raises(NetError, match=r"closed the connection before a match of .+ came"):
        converse(scripts.closing_after(b"")).expect(Wanted.of_regex(Step(expect_regex=".*").expect_regex))


def test_handshakes(converse):
    conversation = converse(answering({}, greeting=b"220 go\r\n"))
    assert conversation.follow(steps({"expect": "220 go\r\n"}, {"starttls": True})) is None
    assert conversation.secured == [True]


def test_clear_text_before_the_handshake_is_refused(converse):
    conversation = converse(answering({}, greeting=b"220 go\r\n"))
    with pytest.raises(
        NetError, match=r"step 2: .* sent ' go\\r\\n' in clear text before the TLS handshake: if it belongs to its answer"
    ) as caught:
        conversation.follow(steps({"expect": "220"}, {"starttls": True}))
    assert (caught.value.phase, caught.value.kind) == ("tls", "protocol")
    assert conversation.secured == []


def test_what_was_heard_is_bounded(converse):
    conversation = converse(answering({b"A": b"x" * LIMIT + b".", b"B": b"end"}))
    assert conversation.follow(steps({"send": "A"}, {"expect": "x" * LIMIT}, {"expect": "."}, {"send": "B"}, {"expect": "end"})) is None
    assert conversation.heard == b"x" * LIMIT


def test_our_side_ends_after_the_last(converse):
    def script(sock):
        asked = b""
        while data := sock.recv(100):
            asked += data
        sock.sendall(b"got " + asked)

    conversation = converse(script)
    conversation.say(b"all", last=True)
    assert conversation.expect(Wanted.of_text("got all")) is None
    assert conversation.heard == b"got all"  # and stays pending for what else is wanted
    assert conversation.expect(Wanted.of_text("all")) is None
