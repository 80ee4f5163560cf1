from types import SimpleNamespace

import pytest

from pytest_monitorpy import compat


class Anything:
    """Has none of the private names."""


def test_what_can_be_done_without_is_guarded():
    compat.stop_rewriting(Anything())
    compat.add_initial_paths(Anything(), ["x"])
    assert compat.handed_out(Anything(), [], 9) == []


def test_without_capturing_there_is_nothing_to_let_go_of():
    manager = SimpleNamespace(getplugin=lambda name: None)
    compat.let_go_of_stdin(SimpleNamespace(pluginmanager=manager))


def test_no_queue_no_items():
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugins=lambda: [Anything()]))
    assert compat.handed_out(config, [], 9) == []


def test_a_crash_shows_the_users_frames():
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    for style in ("auto", "short"):
        shown = compat.crash_repr(caught.value, style)
        assert "test_compat.py" in str(shown)
        assert shown.reprcrash.message == "ZeroDivisionError: division by zero"


def test_a_text_without_a_place_can_be_masked():
    shown = compat.masked_repr("the secret is geheim", lambda text: text.replace("geheim", "***"))
    assert shown.reprcrash.message == "the secret is ***"
    assert "geheim" not in str(shown)
