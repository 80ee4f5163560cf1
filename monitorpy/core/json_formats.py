"""The formats of JSON Schema that can be asserted (JSON Schema Validation 2020-12, 7.3).

jsonschema has most of them only where further packages are installed, and passes over the others in silence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import urlsplit

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_URI = r"(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _matches(pattern: str, flags: re.RegexFlag = re.ASCII) -> Callable[[str], bool]:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.fullmatch(text) is not None


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, RecursionError, OverflowError, re.error):
            return False
        return True

    return check


def _both(one: Callable[[str], bool], other: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: one(text) and other(text)


_DATE = _both(_matches(r"\d{4}-\d{2}-\d{2}"), _parses(date.fromisoformat))
_SPLITS = _parses(lambda text: urlsplit(text).port)
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": _DATE,
    "time": _matches(_TIME),
    "date-time": _both(_matches(rf"\d{{4}}-\d{{2}}-\d{{2}}[Tt]{_TIME}"), lambda text: _DATE(text[:10])),
    "duration": _matches(r"P(?:\d+W|(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)"),
    "email": _matches(r"[!-?A-~]+@[!-?A-~]+"),
    "idn-email": _matches(r"[^@\s]+@[^@\s]+", re.UNICODE),
    "hostname": _matches(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*"),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _both(lambda text: "%" not in text, _parses(ipaddress.IPv6Address)),
    "uri": _both(_matches(rf"[A-Za-z][A-Za-z0-9+.-]*:{_URI}"), _SPLITS),
    "uri-reference": _both(_matches(_URI), _SPLITS),
    "iri": _both(_matches(rf"[A-Za-z][A-Za-z0-9+.-]*:{_URI}", re.UNICODE), _SPLITS),
    "iri-reference": _both(_matches(_URI, re.UNICODE), _SPLITS),
    "uuid": _matches(_UUID),
    "json-pointer": _matches(_POINTER),
    "relative-json-pointer": _matches(rf"(?:0|[1-9]\d*)(?:#|{_POINTER})"),
    "regex": _parses(re.compile),
}
"""Name to what tells whether a text has the format."""
