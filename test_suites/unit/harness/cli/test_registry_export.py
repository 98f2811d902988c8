"""A stream is exported to a file, and every change of that file is found without the registry."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from harness.cli.registry_export import verify_export
from harness.cli.registry_session import open_session, place_of
from harness.errors import HarnessError, InstrumentError, UsageError
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding
from harness.model.event import FindingOpened, PlanClosed, StreamOpened
from harness.store.registry.event_rows import START, row_of
from test_suites.unit.harness.cli.registry_words import ACME, NOW, Accredit


@pytest.fixture
def exported(filled: Accredit, where: Path, tmp_path: Path) -> Path:
    """Acme's exported stream: records, and a finding with its plan."""
    finding = Finding(
        id="F-0001", campaign="spring", requirement="URL-01", title='"\\ é \x1b', severity="Crit",
        scheme="s", scheme_version="1", profile="ks2", line="proxy", statement="", missed=("a",),
        categories=("GAMB",), sampled=60, opened=NOW, supplier="Acme",
    )  # fmt: skip
    opened = FindingOpened(at=NOW, actor="Ann", finding=finding)
    with open_session(where) as session:
        session.record(place_of("Acme"), opened, draft_plan(finding, at=NOW, actor="Ann"))
    to = tmp_path / "acme.jsonl"
    assert filled("export", *ACME, "--to", str(to)) == f"{to}: 5 events of Acme"
    return to


def test_an_exported_stream_is_checked_without_a_registry(
    exported: Path, filled: Accredit, where: Path
) -> None:
    with open_session(where) as session, session.registry.reading("supplier:acme") as access:
        assert access.head is not None
        head = access.head.hash
    where.unlink()

    told = filled("verify", "--stream", str(exported), "--head", head[:20], registry="")

    assert f"{exported}: unchanged: 5 events" in told
    assert f"Acme: 5 events; head {head}" in told
    assert "5 events of Acme are unchanged since then" in told
    assert b"Beta" not in exported.read_bytes()


def test_only_the_user_can_read_an_export_and_nothing_lies_beside_it(
    exported: Path, where: Path
) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert {each.name for each in exported.parent.iterdir()} == {exported.name, where.name}


def test_an_existing_file_is_never_overwritten(exported: Path, filled: Accredit) -> None:
    before, link = exported.read_bytes(), exported.with_name("link")
    link.symlink_to("nowhere")
    for to in (exported, exported.parent, link):
        with pytest.raises(UsageError, match="exists already; give a new path"):
            filled("export", *ACME, "--to", str(to))
    assert exported.read_bytes() == before
    assert not link.with_name("nowhere").exists()


def refusal(path: Path, content: bytes) -> HarnessError | None:
    """What is said of an exported file with that content; nothing if it is accepted."""
    path.write_bytes(content)
    try:
        verify_export(path)
    except HarnessError as error:
        return error
    return None


def test_every_changed_byte_of_an_exported_stream_is_found(exported: Path) -> None:
    whole = exported.read_bytes()
    assert refusal(exported, whole) is None
    for place, byte in enumerate(whole):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80}:
            changed = whole[:place] + bytes([other]) + whole[place + 1 :]
            assert refusal(exported, changed) is not None, (place, other)
        if whole[place : place + 1] != b"\n" or place + 1 < len(whole):
            shorter = whole[:place] + whole[place + 1 :]
            assert refusal(exported, shorter) is not None, place


@pytest.mark.parametrize(
    ("part", "changed"),
    [(b"{", b"{ "), (b"{", b'{"comment":"x",'), (b"{", b'{"stream":"x",'), (b"\n", b"\r")],
)
def test_bytes_that_were_added_to_a_line_are_found(
    exported: Path, part: bytes, changed: bytes
) -> None:
    assert refusal(exported, exported.read_bytes().replace(part, changed, 1)) is not None


def test_lines_that_are_missing_doubled_or_exchanged_are_found(exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    for place in range(4):
        exchanged = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        doubled = [*lines[: place + 1], *lines[place:]]
        missing = [*lines[:place], *lines[place + 1 :]]
        for changed in (exchanged, doubled, missing):
            error = refusal(exported, b"".join(changed))
            assert isinstance(error, InstrumentError)
            assert f"event {place + 1} was changed" in str(error) or changed is doubled


def test_a_file_that_was_cut_is_refused(exported: Path) -> None:
    *lines, last = exported.read_bytes().splitlines(keepends=True)
    head = json.loads(last)
    assert head == {"events": 5, "hash": json.loads(lines[-1])["hash"]}

    for number in range(1, 6):
        error = refusal(exported, b"".join(lines[:number]))
        assert isinstance(error, InstrumentError)
        assert f"{exported}: it was cut: its last line, the head, is missing" == str(error)
    for number in range(1, 5):
        error = refusal(exported, b"".join([*lines[:number], last]))
        assert isinstance(error, InstrumentError)
        assert f"it was cut: it holds {number} events, and its head says 5" in str(error)
    other = last.replace(head["hash"].encode(), b"0" * 64)
    error = refusal(exported, b"".join([*lines, other]))
    assert isinstance(error, InstrumentError)
    assert "its last line, the head, was changed" in str(error)
    assert isinstance(refusal(exported, last), UsageError)


def test_events_that_cannot_follow_each_other_are_an_error_of_the_file(tmp_path: Path) -> None:
    path, previous, lines = tmp_path / "forged.jsonl", START, []
    opened = StreamOpened(at=NOW, actor="Ann", name="Acme")
    for position, event in enumerate((opened, PlanClosed(at=NOW, actor="Ann", plan="P-0001")), 1):
        row = row_of("supplier:acme", position, previous, event)
        previous = row["hash"]
        names = ("stream", "position", "previous", "body", "hash")
        lines.append(json.dumps({name: row[name] for name in names}, separators=(",", ":")))
    lines.append(json.dumps({"events": 2, "hash": previous}, separators=(",", ":")))

    error = refusal(path, "".join(f"{line}\n" for line in lines).encode())

    assert isinstance(error, InstrumentError)
    assert str(error) == (
        f"{path}: its events cannot follow each other: no plan 'P-0001'; none is known"
    )


LINE = b'{"stream":"supplier:a","position":1,"previous":"%b","body":"%b","hash":"%b"}' % (
    b"0" * 64, b'{\\"event\\":\\"plan-closed\\"}', b"0" * 64,
)  # fmt: skip
HOSTILE = {
    "empty": b"",
    "empty lines": b"\n\n",
    "no JSON": b"not JSON\n",
    "a huge line": b'"' + b"x" * 20_000_000 + b'"\n',
    "deep JSON": b"[" * 200_000 + b"]" * 200_000,
    "deep JSON in an unknown field": LINE[:-1] + b',"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep JSON in the body": LINE.replace(b"{\\", b"[" * 100_000 + b"{\\"),
    "invalid UTF-8": LINE.replace(b"supplier", b"suppl\xff"),
    "null bytes": b"\x00" * 1000,
    "a null byte in a name": LINE.replace(b"supplier", b"suppl\\u0000"),
    "half a surrogate": LINE.replace(b"supplier", b"suppl\\ud800"),
    "half a surrogate in the body": LINE.replace(b"plan-closed", b"\\\\ud800"),
    "a huge number": LINE.replace(b":1,", b":" + b"9" * 5000 + b","),
    "a time without a time in UTC": LINE.replace(
        b'plan-closed\\"',
        b'plan-closed\\",\\"actor\\":\\"a\\",\\"plan\\":\\"P\\",'
        b'\\"at\\":\\"0001-01-01T00:00:00+05:00\\"',
    ),
    "an event that is none": LINE,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_one_short_sentence(tmp_path: Path, content: bytes) -> None:
    error = refusal(tmp_path / "hostile.jsonl", content)

    assert error is not None
    assert (len(error.args), "\n" in str(error)) == (1, False)
    assert len(str(error)) < 1000
