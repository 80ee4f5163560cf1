"""Bodies as text and JSON, by what the answer says of itself; nothing is guessed."""

from __future__ import annotations

import codecs
import json
import re
from email.message import Message
from typing import Any

NOT_JSON = object()
"""What `parse_json` returns for a body that is no JSON (None would be JSON's null)."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_CHARSETS = {"punycode", "unicode-escape", "raw-unicode-escape", "utf-7"}
"""Codecs that make text of bytes but are no charset of a page: one fails on wrong bytes, the others turn texts into something else."""
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 1024  # bytes, as the HTML standard has it


def decode(body: bytes, content_type: str = "") -> str:
    r"""The body as text: a byte order mark, else the header's charset, else HTML's meta, else UTF-8; wrong bytes as ``\xNN``."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "backslashreplace")
    return body.decode(_charset(body, content_type), "backslashreplace")


def _charset(body: bytes, content_type: str) -> str:
    header = Message()
    header["content-type"] = content_type
    declared = header.get_param("charset")
    if isinstance(declared, str) and (name := _known(declared)):
        return name
    if "html" in content_type.lower() and (meta := _META.search(body, 0, _META_WITHIN)):
        return _known(meta[1].decode("ascii")) or "utf-8"
    return "utf-8"


def _known(name: str) -> str | None:
    """The codec of that name, if it makes text of bytes; latin-1 means windows-1252, as browsers read it."""
    try:
        codec = codecs.lookup(name.strip("\"' "))
        b"x".decode(codec.name, "replace")  # refuses codecs that make no text, such as rot13
    except (LookupError, ValueError):
        return None
    if codec.name.replace("_", "-") in _NO_CHARSETS:
        return None
    return "cp1252" if codec.name in {"iso8859-1", "ascii"} else codec.name


def parse_json(text: str, content_type: str = "") -> Any:
    """The JSON value, or NOT_JSON. A body that does not claim to be JSON is tried if it begins as an object or array."""
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.endswith(("/json", "+json")) or text.lstrip()[:1] in {"{", "["}):
        return NOT_JSON
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return NOT_JSON


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
