"""Small pieces of a page. Texts of peers and files: whatever they hold, they are shown and do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from monitorpy.reporting.explain import printable

LIMIT = 400
"""Characters of one text that are shown."""

_THIN = 0.3
"""Pixels: what is shorter cannot be seen."""

_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""::error:: and the like at the start of a line are commands to GitHub."""

_WEB = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)


def shown(text: str, limit: int = LIMIT) -> str:
    """The text on one line, for an element or a quoted attribute; control and bidirectional characters are escaped."""
    return _escaped(printable(text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"))


def block(lines: Sequence[str]) -> str:
    """Lines, for a <pre>."""
    return _COMMAND.sub(r"\1&#58;", _escaped("\n".join(map(printable, lines))))


def link(target: str) -> str:
    """The target of a check; a link if it is a whole URL of the web, and of no other scheme."""
    text = shown(target)
    if len(target) > LIMIT or not target.isprintable() or not _WEB.fullmatch(target):
        return text
    return f'<a href="{text}" rel=noreferrer>{text}</a>'


def bar(parts: Iterable[tuple[str, float]], width: int, title: str) -> str:
    """A line of coloured parts, (class, length) each; ``title`` is escaped already."""
    drawn, start = [], 0.0
    for name, length in parts:
        if length >= _THIN:
            drawn.append(f"<path class={name} d=M{start:.3g},3h{length:.3g} />")
        start += length
    return f"<svg width={width} height=6><title>{title}</title>{''.join(drawn)}</svg>"


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plural(number: int, noun: str) -> str:
    """``1 check``, ``2 checks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _escaped(text: str) -> str:
    """For HTML; and where the page is written to a log of a CI, nothing is a command such as ##[error]."""
    return escape(text).replace("##", "#&#35;")
