"""A mapping is read from YAML, with faults by line."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from harness.errors import FaultyDocument
from harness.interop.logs.mapping import LogFields, read_mapping
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import mapping, read

FIELDS = "fields: {time: at, url: page}\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    return path


def test_each_field_of_a_log_s_entry_but_its_line_may_have_a_column() -> None:
    of_alerts = {"to", "priority"}
    assert [name for name in LogEntry.__struct_fields__[1:] if name not in of_alerts] == [
        "at" if name == "time" else name for name in sorted(
            LogFields.model_fields, key=lambda name: LogEntry.__struct_fields__.index("at" if name == "time" else name)
        )
    ]  # fmt: skip


def test_a_mapping_is_read(tmp_path: Path) -> None:
    text = (
        FIELDS.replace("page", "[host, path]")
        + 'delimiter: "\\t"\nblocked: [x]\nzone: Europe/London\n'
    )

    found = read_mapping(written(tmp_path, text))

    assert found.fields is not None
    assert (("at",), ("host", "path"), "\t") == (
        found.fields.time,
        found.fields.url,
        found.delimiter,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields: {url: page}", ":1: fields.time: is missing; add it"),
        ("fields: {time: at}", "no column is named for url (or, for a record of administration, action)"),
        ("fields:\n  time: at\n  url: page\n  usr: who", ":4: fields.usr: this key is not known; did you mean 'user'?"),
        ("fields: {time: [], url: page}", ":1: fields.time: (): value should have at least 1 item"),
        (FIELDS + "time_format: '%d %b %H:%M'", ":2: time_format: '%d %b %H:%M': value error, write iso, epoch, "),
        (FIELDS + "time_format: '%Y-%m-%d'", "or a form with a year and an hour"),
        (FIELDS + "time_format: '%Y %H %Q'", "this form cannot be read: 'Q' is a bad directive"),
        (FIELDS + "zone: Mars/Phobos", "'Mars/Phobos' is not a time zone; write one like Europe/London or UTC"),
        (FIELDS + "zone: ../../etc/passwd", "is not a time zone"),
        (FIELDS + "delimiter: ';;'", 'write one character, such as ";"'),
        (FIELDS + "delimiter: '\"'", 'write one character, such as ";"'),
        (FIELDS + "blocked: [A]\nallowed: [a]", "'a' stands twice in blocked, allowed and unclear"),
        ("fields: {time: at, url: page, verdict: x}\nblocked: [a]", "verdict has a column: say which of its values mean blocked, and which allowed"),
        ("fields: {time: at, url: page, user: x}\nconstants: {user: y}", "user has a column and a constant: keep one"),
        (FIELDS + "constants: {url: x}", ":2: constants.url: this key is not known"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FaultyDocument) as caught:
        read_mapping(written(tmp_path, text))

    assert message in str(caught.value)


def test_a_record_of_administration_states_an_action_instead_of_a_url() -> None:
    named = mapping(fields={"time": "at", "action": "did", "reason": "why", "user": "who"})
    text = "at,who,did,why\n2026-11-28T18:49:29Z,admin,allowed a.example,a lesson\n"

    (found,) = read("csv-log", text, mapping=named)

    assert ("admin", "", "allowed a.example", "a lesson") == (
        found.user, found.url, found.action, found.reason,
    )  # fmt: skip


def test_a_zone_that_is_given_comes_before_that_of_the_mapping() -> None:
    named = mapping(fields={"time": "at", "url": "page"}, zone="Asia/Tokyo")
    text = "at,page\n2026-11-28 18:49:29,x\n"

    assert [9, 18] == [
        entry.at.hour for zone in (None, UTC) for entry in read("csv-log", text, mapping=named, zone=zone)
        if entry.at
    ]  # fmt: skip
