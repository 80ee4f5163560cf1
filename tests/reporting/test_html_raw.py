import pytest

from monitorpy.reporting.html_raw import EACH, RawData

PLENTY = 10_000_000


def lines(data):
    return RawData(PLENTY).of(data).removeprefix("<pre class=raw>").removesuffix("</pre>").split("\n")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"url": "http://x/", "status": 503, "ok": True, "size": 1.5, "none": None}, ["url: http://x/", "status: 503", "ok: true", "size: 1.5", "none: null"]),
        ({"headers": {"server": "nginx", "a": {}}, "list": [1, "b"]}, ["headers:", "  server: nginx", "  a: {}", "list: [1, &quot;b&quot;]"]),
        ({"body": "<b>\n  x\x00"}, ["body: |", "  &lt;b&gt;", "    x\\x00"]),
        ({"body": "one line\n", "empty": ""}, ["body: &quot;one line\\n&quot;", "empty: &quot;&quot;"]),
        ({"chain": [{"subject": "a"}, {"subject": "b"}, 3]}, ["chain:", "  0:", "    subject: a", "  1:", "    subject: b", "  2: 3"]),
        ({"traceback": "...", "a": 1}, ["a: 1"]),
        ({"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, ["a:", "  b:", "    c:", "      d:", "        e:", "          f: {&quot;g&quot;: 1}"]),
    ],
)  # fmt: skip
def test_it_reads_as_yaml(data, expected):
    assert lines(data) == expected


def test_nothing_is_shown_of_nothing():
    raw = RawData(PLENTY)
    assert raw.of({}) == raw.of({"traceback": "x"}) == ""
    assert raw.left_out == 0


@pytest.mark.parametrize("data", [{"body": "x" * 99_999, "z": 1}, {"body": "line\n" * 9_999}, {str(n): n for n in range(9_999)}])
def test_of_one_check_so_much_and_not_more(data):
    *kept, last = lines(data)
    assert last == "... cut here; the results in JSON have all of it"
    assert EACH - 20 < len("\n".join(kept)) <= EACH


def test_when_the_room_is_used_up_the_rest_is_counted():
    raw = RawData(100)
    assert [bool(raw.of({"text": "x" * 60})) for _ in range(4)] == [True, True, False, False]
    assert raw.of({}) == ""
    assert raw.left_out == 2
