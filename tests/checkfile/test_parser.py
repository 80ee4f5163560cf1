from __future__ import annotations

from monitorpy.checkfile.parser import parser_for


def test_pairs_of_escapes_are_joined_in_json():
    parser = parser_for('["\\ud83d\\ude00", "\\\\ud83d\\\\ude00", "\\\\\\uD83D\\uDE00"]')
    values = [event.value for event in iter(parser.get_event, None) if hasattr(event, "value")]
    assert values == ["😀", "\\ud83d\\ude00", "\\😀"]
