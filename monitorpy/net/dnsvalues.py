"""Records as they are written in a zone file, and what of them is compared. Importing this module imports dnspython."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
from dns.rdtypes.txtbase import TXTBase

_SHOWN = 5
_PIECE = 255
_GENERIC = re.compile(r"\\#\s+\d+(\s+[0-9a-fA-F\s]*)?")


def parse_values(rdtype: dns.rdatatype.RdataType, values: str | list[str] | None) -> dict[bytes, str]:
    """Values as written in a check file: {what is compared: zone-file text}, empty for none.

    ValueError names one that is no such record, or that says the same as another.
    """
    parsed: dict[bytes, str] = {}
    for value in [values] if isinstance(values, str) else values or []:
        record = _record(rdtype, value)
        key = _key(record)
        if key in parsed:
            raise ValueError(f"{value!r} is the same record as another of the list ({parsed[key]})")
        parsed[key] = record.to_text()
    return parsed


def compared(records: Iterable[dns.rdata.Rdata]) -> dict[bytes, str]:
    """The records of an answer: {what is compared: zone-file text}."""
    return {_key(record): record.to_text() for record in records}


def listed(texts: Iterable[str]) -> str:
    """The first values, and how many there are if that is not all."""
    values = list(texts)
    return ", ".join(values[:_SHOWN]) + (f", ... ({len(values)} values)" if len(values) > _SHOWN else "")


def shown(name: dns.name.Name) -> str:
    """A name as people write it, without the final dot."""
    return name.to_text(omit_final_dot=True)


def _record(rdtype: dns.rdatatype.RdataType, value: str) -> dns.rdata.Rdata:
    kind = dns.rdata.get_rdata_class(dns.rdataclass.IN, rdtype)  # type: ignore[no-untyped-call]
    plain_text = issubclass(kind, TXTBase) and not value.startswith('"') and not _GENERIC.fullmatch(value)
    if not plain_text and "@" in value.split():
        raise ValueError(f"{value!r}: @ is a name that only its zone file knows; write it in full")
    try:
        if plain_text:
            text = value.removesuffix("\n").encode()  # without quotes it is the whole text, spaces included; YAML's | adds the line end
            record: dns.rdata.Rdata = kind(dns.rdataclass.IN, rdtype, [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)])
            return record
        tokens = dns.tokenizer.Tokenizer(value.strip())
        record = dns.rdata.from_text(dns.rdataclass.IN, rdtype, tokens, origin=dns.name.root, relativize=False)
        comment, rest = getattr(record, "rdcomment", None), tokens.get()
    except (dns.exception.DNSException, ValueError, UnicodeError) as bad:
        raise ValueError(f"{value!r} is no {dns.rdatatype.to_text(rdtype)} record: {bad}") from None
    if comment or not rest.is_eof():
        what = "what follows ; is a comment: put the text in quotes" if comment else "there is more than one line: write a list"
        raise ValueError(f"{value!r} would not be looked at as a whole: {what}")
    return record


def _key(record: dns.rdata.Rdata) -> bytes:
    """What two records have in common that mean the same: names in lower case, a text's pieces joined."""
    if isinstance(record, TXTBase):
        return b"".join(record.strings)
    names = {slot: _lower(value) for slot in record.__slots__ if _lower(value := getattr(record, slot)) is not value}
    return (record.replace(**names) if names else record).to_digestable(dns.name.root)


def _lower(value: Any) -> Any:
    """A name, or a tuple of them, in lower case; anything else as it is. RFC 4034 leaves the names of newer types alone."""
    if isinstance(value, dns.name.Name):
        return value.canonicalize()
    if isinstance(value, tuple) and all(isinstance(item, dns.name.Name) for item in value):
        return tuple(item.canonicalize() for item in value)
    return value
