from __future__ import annotations

import pytest

from monitorpy.core.json_formats import FORMATS

RIGHT = {
    "date": ["2024-02-29"],
    "time": ["23:59:60Z", "08:30:06.283185+00:20"],
    "date-time": ["1985-04-12T23:20:50.52Z", "1990-12-31t15:59:60-08:00"],
    "duration": ["P3Y6M4DT12H30M5S", "P4W", "PT1M", "P1D"],
    "email": ["joe@example.org"],
    "idn-email": ["jürgen@müller.example"],
    "hostname": ["example.org", "a-b.c", "x" * 63],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["::1", "2001:db8::8a2e"],
    "uri": ["https://example.org/a?b#c", "urn:x:y", "http://[::1]:8/%20"],
    "uri-reference": ["/a/b?c", "#x", "", "//h/p"],
    "iri": ["https://müller.example/ü"],
    "iri-reference": ["/ü"],
    "uuid": ["2eb8aa08-AA98-11ea-b4aa-73b441d16380"],
    "json-pointer": ["", "/a/~0b/~1"],
    "relative-json-pointer": ["0", "1/a", "2#"],
    "regex": ["^a+$"],
}
WRONG = {
    "date": ["2023-02-29", "20230201", "2023-2-1", "2023-02-01\n", "২০২৩-০২-০১"],
    "time": ["24:00:00Z", "12:00:00", "12:00Z"],
    "date-time": ["1985-04-12", "1985-13-12T23:20:50Z", "1985-04-12T23:20:50", "1985-04-12 23:20:50Z"],
    "duration": ["P", "PT", "P1", "1D", "P1D2W"],
    "email": ["joe", "joe@", "jürgen@x", "a@b@c"],
    "idn-email": ["müller"],
    "hostname": ["", "-a", "a..b", "x" * 64, "a_b", ".".join(["abc"] * 64)],
    "ipv4": ["192.0.2.256", "1.2.3", "01.2.3.4"],
    "ipv6": ["12345::", "::1%eth0", "1.2.3.4"],
    "uri": ["/a", "ex ample:x", "http://h:port/", "http://[::1", "https://müller.example/"],
    "uri-reference": ["a b", "%zz"],
    "iri": ["/ü"],
    "iri-reference": ["ü ü"],
    "uuid": ["2eb8aa08aa9811eab4aa73b441d16380", "x"],
    "json-pointer": ["a", "/~2"],
    "relative-json-pointer": ["01", "-1", "/a"],
    "regex": ["(", "a**"],
}


def test_all_formats_are_here():
    assert FORMATS.keys() == RIGHT.keys() == WRONG.keys()


@pytest.mark.parametrize("name, text", [(name, text) for name, texts in RIGHT.items() for text in texts])
def test_what_has_the_format(name, text):
    assert FORMATS[name](text)


@pytest.mark.parametrize("name, text", [(name, text) for name, texts in WRONG.items() for text in texts])
def test_what_has_not(name, text):
    assert not FORMATS[name](text)
