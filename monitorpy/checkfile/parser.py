"""PyYAML's parser, and what its complaints mean."""

from __future__ import annotations

import re
from typing import Any

import yaml

from monitorpy.checkfile.nodes import START, Pos, pos

_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_HINTS = {
    "\t": "indent with spaces, not with tabs",
    "@": "quote a text that begins with @",
    "`": "quote a text that begins with `",
    "%": "quote a text that begins with %",
}
_PHRASES = {
    "mapping values are not allowed in this context": 'unexpected ":": quote a text that contains ": ", or check the indentation',
    "did not find expected key": "a key was expected here: check the indentation and the quotes above",
    "could not find expected ':'": 'a ":" was expected after the key above',
    "did not find expected '-' indicator": 'a "-" was expected here: check the indentation',
    "did not find expected ',' or ']'": 'a "," or "]" was expected here',
    "did not find expected ',' or '}'": 'a "," or "}" was expected here',
    "found unexpected end of stream": "the file ends inside a quoted text",
    "did not find expected <document start>": "the document ends above this: check the indentation and the quotes",
    "block sequence entries are not allowed in this context": 'unexpected "-": begin a list on its own line',
}


class PurePythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """The same events without libyaml."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


PARSER: Any = PurePythonParser
try:
    from yaml import cyaml

    PARSER = cyaml.CParser  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - a platform without a wheel: the same events, six times slower
    pass


def parser_for(text: str) -> Any:
    """Something with ``get_event()``."""
    if text.lstrip()[:1] in {"{", "["} and "\\u" in text:
        # JSON writes a character beyond the basic plane as two escapes, which no YAML parser joins
        text = _PAIR.sub(_joined, text)
    return PARSER(text)


def _joined(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return f"{match[1]}\\U{0x10000 + (high - 0xD800) * 0x400 + (low - 0xDC00):08X}"


def syntax_mistake(error: yaml.YAMLError, text: str) -> tuple[Pos, str]:
    """Where the syntax breaks, and how, in words."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error).strip()
    if mark is None:
        return START, f"this is not YAML: {problem}"
    rows = text.splitlines()
    row = rows[mark.line] if mark.line < len(rows) else ""
    here = row[mark.column : mark.column + 1]
    phrase = _PHRASES.get(problem)
    if phrase is None:
        phrase = problem + (f": {_HINTS[here]}" if here in _HINTS else "")
    context = getattr(error, "context_mark", None)
    since = f" (in what begins on line {context.line + 1})" if context is not None and context.line != mark.line else ""
    return pos(mark.line, mark.column), f"this is not YAML: {phrase}{since}"
