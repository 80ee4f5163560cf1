from __future__ import annotations

import email
import email.policy

from monitorpy.net.mail.message import Message


def test_what_is_sent():
    message = Message("monitor@lab.test", "alice@lab.test", "grün", "one\n.two\nünd\rdrei" + "x" * 2000)
    data = bytes(message)
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert b"\n" not in data.replace(b"\r\n", b"")
    read = email.message_from_bytes(data, policy=email.policy.default)
    assert (read["From"], read["To"], read["Subject"]) == ("monitor@lab.test", "alice@lab.test", "grün")
    assert read["Message-ID"] == message.message_id
    assert read["Date"].endswith(" -0000")
    assert [line[:7] for line in read.get_content().splitlines()] == ["one", ".two", "ünd", "dreixxx"]


def test_each_message_has_a_name_of_its_own():
    ids = {Message("monitor@lab.test", "alice@lab.test", "s", "t").message_id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == len("<@lab.test>") + 32 and one.endswith("@lab.test>") for one in ids)
