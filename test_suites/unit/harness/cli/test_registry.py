"""``accredit registry``: records and checks; every mistake gets a message of one sentence."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.cli.paths import DATABASE, REGISTRY
from harness.cli.registry_session import open_session
from harness.errors import HarnessError, InstrumentError, UsageError
from test_suites.unit.harness.cli.registry_words import ACME, Accredit


def execute(where: Path, *statements: str) -> None:
    with closing(sqlite3.connect(where)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def listed(accredit: Accredit, *words: str) -> list[tuple[str, str, str]]:
    """Supplier, kind and name of each record that is listed."""
    rows = json.loads(accredit("list", "--json", *words))
    return [(row["supplier"], row["record"]["kind"], row["record"]["id"]) for row in rows]


def test_records_are_added_listed_and_closed(filled: Accredit) -> None:
    assert listed(filled) == [
        ("Acme", "service", "Safe Net"),
        ("Beta", "service", "Beta Net"),
        ("Acme", "version", "2.1"),
        ("the owner of the scheme", "contact", "Cy"),
    ]
    assert listed(filled, "version") == [("Acme", "version", "2.1")]
    assert listed(filled, "--supplier", "ACME ", "service") == [("Acme", "service", "Safe Net")]
    assert listed(filled, "--owner") == [("the owner of the scheme", "contact", "Cy")]
    assert "released 2026-03-31 00:00 UTC" in filled("list", *ACME)

    closed = filled("close", "version", "2.1", *ACME, "--reason", "it was replaced")

    assert closed == "closed: version 2.1, of Acme"
    assert listed(filled, *ACME) == [("Acme", "service", "Safe Net")]
    with pytest.raises(UsageError, match=r"no open version '2\.1'; none is known"):
        filled("close", "version", "2.1", *ACME, "--reason", "r")
    assert len(listed(filled, *ACME, "--all")) == 2
    assert "closed 2026-03-02 09:00 UTC: it was replaced" in filled("list", *ACME, "--all")
    filled("add", "version", "2.1", *ACME, "--set", "of=Safe Net")
    assert len(listed(filled, *ACME)) == 2


def test_a_complaint_has_a_deadline_and_an_outcome_by_somebody_without_a_part(
    filled: Accredit,
) -> None:
    about = ("--set", "of=Safe Net", "--set", "complainant=Hill School", "--set", "description=d")
    filled("add", "complaint", "Slow", *ACME, *about, "--set", "received=2026-02-27")
    filled(
        "add",
        "contact",
        "Pat Vendor",
        *ACME,
        "--set",
        "role=commercial",
        "--set",
        "email=p@a.example",
    )
    close = ("close", "complaint", "Slow", *ACME, "--reason", "a cache was repaired")

    assert "received 2026-02-27 00:00 UTC; due 2026-03-29 00:00 UTC" in filled("list", *ACME)
    for words, told in (
        (close, "say what became of it"),
        ((*close, "--outcome", "fixed"), "'fixed' is none; a complaint is upheld, partly-upheld"),
        ((*close, "--outcome", "upheld", "--by", "hill school"), "somebody else must answer it"),
        ((*close, "--outcome", "upheld", "--by", "Vendor, Pat"), "somebody else must answer it"),
    ):
        with pytest.raises(UsageError, match=told):
            filled(*words)
    filled(*close, "--outcome", "partly-upheld", "--by", "Cy")
    told = filled("list", *ACME, "--all")
    assert "partly-upheld 2026-03-02 09:00 UTC: a cache was repaired" in told


def test_without_records_the_list_says_so(accredit: Accredit) -> None:
    accredit("add", "site", "School", *ACME)
    assert accredit("list", "service") == "no records"
    assert accredit("list", "--json", "service") == "[]"
    with pytest.raises(UsageError, match="no registry here"):
        accredit("list", registry="absent.sqlite")


MISTAKES = [
    (("add", "nonsense", "x", *ACME), "no kind of record 'nonsense'; known: campaign, complaint,"),
    (("list", "nonsense"), "no kind of record 'nonsense'; known: campaign, complaint, contact,"),
    (("close", "nonsense", "x", *ACME, "--reason", "r"), "no kind of record 'nonsense'; known: "),
    (("add", "site", "x", *ACME, "--set", "colour=red"), "a site has no field 'colour'; known: id,"),
    (("add", "site", "x", *ACME, "--set", "place"), "--set 'place': write NAME=VALUE, each name"),
    (("add", "site", "x", *ACME, "--set", "id=y"), "--set 'id=y': write NAME=VALUE, each name"),
    (
        ("add", "site", "x", *ACME, "--set", "place=a", "--set", "place=b"),
        "--set 'place=b': write NAME=VALUE, each name once",
    ),
    (("add", "site", "x", *ACME, "--set", f"place={'y' * 4001}"), "Expected `str` of length <= 4"),
    (("add", "site", "", *ACME), "Expected `str` of length >= 1"),
    (("add", "site", "  ", *ACME), "a site needs a name"),
    (
        ("add", "contact", "Cy", *ACME, "--set", "role=technical", "--set", "email=nobody"),
        "contact: Expected `str` matching regex .* - at `$.email`",
    ),
    (
        ("add", "contact", "Cy", *ACME, "--set", "role=king", "--set", "email=c@d.e"),
        "contact: Invalid enum value 'king' - at `$.role`",
    ),
    (("add", "contact", "Cy", *ACME), "contact: Object missing required field `role`"),
    (
        ("add", "version", "2", *ACME, "--set", "of=Safe Net", "--set", "sha256=abc"),
        "version: Expected `str` matching regex .* - at `$.sha256`",
    ),
    *(
        (
            ("add", "version", "3", *ACME, "--set", "of=Safe Net", "--set", f"released={time}"),
            f"version: released '{time}' is no time with its offset from UTC; write 2026-03-31 or",
        )
        for time in ("tomorrow", "2026", "20260630", "1e3", "true", "", "null", "2026-03-31T09:00:00")
    ),
    (
        ("add", "version", "2", *ACME, "--set", "of=Safe Net", "--set", "released=2026-13-31"),
        "version: released '2026-13-31T00:00:00Z' is no time with its offset",
    ),
    (
        ("add", "incident", "I", *ACME, "--set", "of=Safe Net", "--set", "description=d", "--set",
         "happened=2026-03-02T09:00:01Z"),
        "incident 'I': happened 2026-03-02 09:00 UTC is in the future .*; give the time when it hap",
    ),
    (("add", "campaign", "x", *ACME), "a campaign is not added or closed by hand: 'accredit run' w"),
    (("add", "submission", "x", *ACME), "'accredit submission record' writes it"),
    (("close", "campaign", "x", *ACME, "--reason", "r"), "by hand: 'accredit run' writes it"),
    (("close", "submission", "x", *ACME, "--reason", "r"), "'accredit submission record' writes it"),
    (("add", "version", "2", *ACME, "--set", "of=Other"), "no service 'Other' is in the registry;"),
    (("add", "service", "SAFE  net", *ACME), "service 'SAFE  net' is in the registry already;"),
    (("add", "site", "x"), "say whose stream it is: --supplier NAME, or --owner"),
    (("add", "site", "x", *ACME, "--owner"), "say whose stream it is: --supplier NAME, or --owner"),
    (("add", "site", "x", "--supplier", " "), "' ' is not a supplier's name: give 1 to 200 char"),
    (("add", "site", "x", "--supplier", "y" * 201), "is not a supplier's name: give 1 to 200 char"),
    (("add", "site", "x", "--supplier", "a\x07b"), "it holds control characters"),
    (("add", "site", "x", *ACME, "--by", " "), "RecordAdded: the actor is missing"),
    (("close", "service", "Safe Net", "--reason", "r"), "say whose stream it is: --supplier NAME,"),
    (("close", "service", "Other", *ACME, "--reason", "r"), "no open service 'Other'; known: Safe N"),
    (("close", "site", "x", *ACME, "--reason", "r"), "no open site 'x'; none is known"),
    (("close", "service", "Beta Net", *ACME, "--reason", "r"), "no open service 'Beta Net'; known:"),
    (("close", "service", "Safe Net", *ACME, "--reason", " "), "closing it needs a reason"),
    (
        ("close", "service", "Safe Net", *ACME, "--reason", "r", "--outcome", "upheld"),
        "only a complaint has an outcome, not a service; leave --outcome out",
    ),
    (
        ("add", "complaint", "C", *ACME, "--set", "of=Safe Net", "--set", "complainant=A",
         "--set", "description=d", "--set", "received=2026-04-01"),
        "complaint 'C': was received 2026-04-01 00:00 UTC is in the future",
    ),
    (("list", *ACME, "--owner"), "give --supplier or --owner, not both"),
    (("export", "--to", "x"), "say whose stream it is: --supplier NAME, or --owner"),
    (("export", "--to", "x", *ACME, "--owner"), "say whose stream it is: --supplier NAME, or --ow"),
    (("export", "--to", "x", "--supplier", "Gamma"), "holds nothing of Gamma"),
    (("export", "--to", "absent/x", *ACME), "absent/x: No such file or directory"),
    (("verify", "--head", "abc"), "--head 'abc' is not a head; give at least its first 16 hexade"),
    (("verify", "--head", "x" * 20), "is not a head; give at least its first 16 hexadecimal digits"),
    (("verify", "--stream", "."), "Is a directory"),
    (("verify", "--stream", "absent.jsonl"), "absent.jsonl: No such file or directory"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), MISTAKES)
def test_a_mistake_is_told_in_one_sentence_and_nothing_is_recorded(
    filled: Accredit, words: tuple[str, ...], told: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = filled("verify")

    with pytest.raises(UsageError, match=told.replace("$", r"\$")) as caught:
        filled(*words)

    assert (len(caught.value.args), caught.value.exit_code) == (1, 2)
    assert "\n" not in str(caught.value)
    assert filled("verify") == before
    assert [path.name for path in tmp_path.iterdir()] == ["registry.sqlite"]


@pytest.mark.parametrize("place", ["Mark-St-12", "2026-03-31", "2026-13-99"])
def test_a_text_that_looks_like_a_date_is_kept_as_it_is(accredit: Accredit, place: str) -> None:
    accredit("add", "site", "School", *ACME, "--set", f"place={place}")
    assert json.loads(accredit("list", "--json"))[0]["record"]["place"] == place


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_that_has_no_time_in_utc_is_refused_or_listed(filled: Accredit, due: str) -> None:
    words = ("add", "review", "R1", *ACME, "--set", "of=Safe Net", "--set", "trigger=expiry")
    try:
        filled(*words, "--set", f"due={due}")
    except UsageError:
        assert "R1" not in filled("list")
    else:
        assert "R1" in filled("list")


REVIEW = ("add", "review", "R", *ACME, "--set", "of=Safe Net", "--set", "trigger=expiry", "--set")


@pytest.mark.parametrize(
    ("due", "is_overdue"),
    [("2026-03-01", True), ("2026-03-02", False), ("2026-03-02T01:00:00+02:00", True)],
)
def test_an_open_review_is_overdue_after_the_day_on_which_it_is_due(
    filled: Accredit, due: str, is_overdue: bool
) -> None:
    filled(*REVIEW, f"due={due}")
    assert ("overdue" in filled("list", "review")) == is_overdue
    assert json.loads(filled("list", "review", "--json"))[0]["overdue"] == is_overdue

    filled("close", "review", "R", *ACME, "--reason", "done")

    assert "overdue" not in filled("list", "review", "--all")


def test_an_incident_may_have_happened_until_now(filled: Accredit) -> None:
    words = ("add", "incident", "I", *ACME, "--set", "of=Safe Net", "--set", "description=d")
    filled(*words, "--set", "happened=2026-03-02T09:00:00Z")
    assert "happened 2026-03-02 09:00 UTC" in filled("list", "incident")


def test_a_printed_head_is_found_and_another_is_not(filled: Accredit, where: Path) -> None:
    told = filled("verify")
    with open_session(where) as session:
        heads = session.registry.heads()
        with session.registry.reading("supplier:acme") as access:
            hashes = access.hashes()
    assert f"{where}: unchanged: 7 events" in told
    assert all(f"{one.name}: {one.events} events; head {one.hash}" in told for one in heads)

    for number, digest in enumerate(hashes, 1):
        continued = filled("verify", "--head", digest[:16].upper())
        assert f"continues from the printed head: {number} events of Acme are unch" in continued
    for nothing in ("0" * 64, "0" * 16):
        assert "from the printed head: 0 events are unchanged" in filled(
            "verify", "--head", nothing
        )
    with pytest.raises(InstrumentError, match="never had the head 0123456789abcdef: it was rewr"):
        filled("verify", "--head", "0123456789abcdef")


DERIVED = [
    "UPDATE derived_rows SET body = replace(body, 'a filter', 'a sieve')",
    "UPDATE derived_rows SET state = 'closed' WHERE kind = 'service'",
    "DELETE FROM derived_rows WHERE kind = 'version'",
    "INSERT INTO derived_rows VALUES ('supplier:acme', 'site', 'x', 'open', '', '{}')",
    """INSERT INTO derived_rows VALUES ('supplier:ghost', 'site', 'x', 'open', '',
    '{"record":{"kind":"site","id":"x"}}')""",
]


@pytest.mark.parametrize("statement", DERIVED)
def test_rows_that_do_not_follow_from_the_events_are_found_and_made_again(
    filled: Accredit, where: Path, statement: str
) -> None:
    before = filled("list", "--all")
    execute(where, statement)

    with pytest.raises(
        InstrumentError, match=r"does not follow from the events; 'accredit registr"
    ):
        filled("verify")
    assert "rows made from the events" in filled("rebuild")
    assert "unchanged: 7 events" in filled("verify")
    assert filled("list", "--all") == before


@pytest.mark.parametrize("statement", [*DERIVED[3:], "UPDATE derived_rows SET body = 'x'"])
def test_a_row_that_cannot_be_read_is_an_error_of_the_registry(
    filled: Accredit, where: Path, statement: str
) -> None:
    execute(where, statement)
    try:
        filled("list")
    except HarnessError as error:
        assert "registry" in str(error)  # noqa: PT017 - or it is listed


def test_two_registries_named_by_the_environment_are_refused(
    filled: Accredit, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REGISTRY, str(where))
    assert "unchanged: 7 events" in filled("verify", registry="")
    monkeypatch.setenv(DATABASE, "postgresql://127.0.0.1:1/x")

    with pytest.raises(UsageError, match=f"{DATABASE} and {REGISTRY} name two registries; unset"):
        filled("verify", registry="")
    assert "unchanged: 7 events" in filled("verify"), "one that is named is used"
    monkeypatch.delenv(REGISTRY)
    monkeypatch.setenv(DATABASE, str(where))
    with pytest.raises(UsageError, match=f"{DATABASE} must be a database URL"):
        filled("verify", registry="")
