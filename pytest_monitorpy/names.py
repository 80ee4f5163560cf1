"""Names of nodes: whatever an id or a group holds, the node id can be typed, selected, sent and shown.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import re

_UNSAFE = str.maketrans({"\\": "/", "[": "(", "]": ")"})

_MARKER = re.compile(r"[^\W_][\w.+/-]*")

_ACTING = frozenset(
    {
        *(
            "skip",
            "skipif",
            "xfail",
            "usefixtures",
            "parametrize",
            "filterwarnings",
            "monitorpy",
            "timeout",
            "flaky",
            "asyncio",
            "anyio",
            "trio",
        ),
        *("xdist_group", "repeat", "run", "order", "dependency"),
    }
)
"""Markers that pytest or a plugin acts upon: a check tagged "skip" must not be skipped."""


def node_name(text: str) -> str:
    """The text without what would split a node id or break a report.

    Square brackets stay at the end only, where the loader puts the values of a matrix: pytest reads ``home[/login]`` as
    it reads a parametrized test, so both ``::home[/login]`` and ``::home`` (all of them) can be selected.
    """
    base, bracket, values = text.partition("[")
    if not values.endswith("]"):
        base, bracket, values = text, "", ""
    return (_clean(base).replace("::", ":").translate(_UNSAFE) or "check") + bracket + _clean(values).replace("\\", "/")


def group_name(text: str) -> str:
    """The same for a group, which is never the last part of a node id: it has no brackets."""
    return _clean(text).replace("::", ":").translate(_UNSAFE) or "group"


def unique(name: str, taken: set[str]) -> str:
    """The name, with ``#2`` and so on where it is taken already; xdist silently runs only one of two equal ids."""
    chosen, number = name, 1
    while chosen in taken:
        number += 1
        chosen = f"{name}#{number}" if not name.endswith("]") else f"{name[:-1]}#{number}]"
    taken.add(chosen)
    return chosen


def may_be_marker(tag: str) -> bool:
    """Whether a tag can be given to ``-m``; every tag can be given to ``-k``."""
    return bool(_MARKER.fullmatch(tag)) and tag not in _ACTING


def _clean(text: str) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode()
    return safe if safe.isprintable() else "".join(c if c.isprintable() else " " for c in safe)
