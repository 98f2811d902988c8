"""A submission is written, checked with the line of each fault, recorded, and used."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from harness.campaign.assemble import read_campaign
from harness.cli import registry, submission
from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.cli.submission_checks import read_submission
from harness.errors import FaultyDocument, UsageError
from harness.follow.derived_rows import HeldRecord
from harness.model.event import RecordClosed
from harness.model.registry_record import AnyRecord, Contact, ServiceVersion, SubmissionRecord
from test_suites.kit.clocks.set_clock import SetClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "submission:safe net\x1ffirst-submission"
ANSWERS = {
    "version: ''": "version: '2.1'",
    "description: ''": "description: A filter for schools",
    "title: ''": "title: Page blocked",
    "- name: ''": "- name: Ann Lee",
    "email: ''": "email: ann@acme.example",
    "references: []": "references: [Hill School, Dale School]",
    "who: ''": "who: user",
    "what: ''": "what: url",
    "when: ''": "when: time",
    "computer: ''": "computer: client_ip",
    "steps: ''": "steps: Send the list to Ann Lee",
    "by: ''": "by: Bob Hill",
    "role: ''": "role: director",
    "signed: ''": "signed: 2026-03-01T12:00:00Z",
    "{answer: ''}": "{answer: meets}",
    "staff: {phase: staff}": "staff: {phase: staff, uploads: allow, protocols: {xmpp: block}}",
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for module in (registry, submission):
        monkeypatch.setattr(module, "clock", SetClock(NOW))


@pytest.fixture
def file(runner: CliRunner) -> Path:
    """A complete submission, filled in as the template says."""
    invoke(runner, "init", "submission", "--supplier", "Acme", "--service", "Safe Net")
    return filled_in(Path("submission.yaml"))


def filled_in(path: Path) -> Path:
    """Answer everything in a submission that was just written."""
    text = path.read_text(encoding="utf-8")
    for blank, answer in ANSWERS.items():
        assert blank in text
        text = text.replace(blank, answer)
    text = re.sub(r"^(  [A-Z][A-Z0-9.]*): ''", r"\1: block", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    return path


def invoke(runner: CliRunner, *words: str) -> Result:
    return runner.invoke(app, [*words])


def faults(path: Path) -> list[str]:
    with pytest.raises(FaultyDocument) as told:
        read_submission(path, NOW)
    return [str(fault) for fault in told.value.faults]


def test_a_written_submission_names_each_place_that_is_to_be_filled_in(runner: CliRunner) -> None:
    ended = invoke(runner, "init", "submission", "--scheme", "becta-2008")

    text = Path("submission.yaml").read_text(encoding="utf-8")
    marked = text.count("# EDIT")
    assert ended.exit_code == 0, ended.exception
    assert f"edit what is marked EDIT ({marked})" in ended.stdout
    assert "ILL-01: {answer: ''}    # EDIT" in text
    told = faults(Path("submission.yaml"))
    assert any(line.startswith("submission.yaml:6: service.name:") for line in told)
    again = invoke(runner, "init", "submission")
    assert isinstance(again.exception, UsageError)
    assert "submission.yaml exists already" in str(again.exception)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--proxy", "http://127.0.0.1:3128"), "--proxy"),
        (("--name", "spring", "--profile", "pupils=ks2"), "--profile, --name"),
        (("--submission", "other.yaml"), "--submission"),
        (("--site-resolver", "127.0.0.1:53", "--yes"), "--site-resolver, --yes"),
    ],
)
def test_options_that_a_submission_does_not_take_are_refused(
    runner: CliRunner, words: tuple[str, ...], told: str
) -> None:
    ended = invoke(runner, "init", "submission", "--service", "Safe Net", *words)

    assert isinstance(ended.exception, UsageError)
    assert str(ended.exception) == (
        f"a submission takes --service, --supplier and --scheme alone; leave out {told}"
    )
    assert not Path("submission.yaml").exists()


def test_a_complete_submission_is_accepted_and_its_weaker_policy_remarked(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    checked = read_submission(file, NOW)
    assert checked.remarks == ()

    file.write_text(text.replace("  PORN: block", "  PORN: {pupils: warn, staff: block}"), "utf-8")
    again = read_submission(file, NOW)
    assert any(
        line == "PORN is not blocked for pupils (warn); becta-2008 expects block"
        for line in again.remarks
    )
    assert again.submission.treatment("PORN.X", "pupils") == "warn"
    assert again.submission.treatment("NONE", "pupils") is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  PORN: block", "  PORN: maybe", r":\d+: policy.PORN: 'maybe': .*write block, warn or"),
        ("  PORN: block", "  PORN: {}", r"policy.PORN: .*write block, warn or allow"),
        (
            "  PORN: block",
            "  PORN: {pupils: block}",
            r":\d+: policy: nothing is said of PORN for s",
        ),
        ("  PORN: block", "  PORM: block", r":\d+: policy.PORM: not a category"),
        (
            "  PORN: block",
            "  PORN: {pupils: block, staff: block, cooks: block}",
            r":\d+: policy.PORN.cooks: not a profile; known: pupils, staff",
        ),
        ("phase: ks2", "uploads: allow", r":\d+: profiles.pupils: a profile needs a phase"),
        ("format: csv", "format: scroll", r":\d+: logs.format"),
        ("Europe/London", "Europe/Leeds", r":\d+: logs.timezone: .*not a time zone"),
        ("Europe/London", "../../etc/passwd", r":\d+: logs.timezone: .*not a time zone"),
        ("    who: user", "    # none", r":\d+: logs: .*fields: who is missing"),
        ("  # sample: sample.csv", "  sample: no.csv", r":\d+: logs.sample: no.csv: no such file"),
        (
            "format: hosts",
            "format: stone",
            r":\d+: lists.format: no format 'stone'; known: .*other",
        ),
        ("within_hours: 24", "within_hours: 0", r":\d+: lists.within_hours"),
        ("ann@acme.example", "ann at acme", r":\d+: contacts\[0\].email"),
        ("2026-03-01T12", "2026-03-03T12", r":\d+: certification.signed: is in the future"),
        ("ILL-01: {answer: meets}", "ILL-1: {answer: meets}", r"answers.ILL-1: not a requirement"),
        (
            "    ILL-01: {answer: meets}",
            "    # none",
            r"answers: ILL-01 is not answered: Every ent",
        ),
        (
            "ILL-01: {answer: meets}",
            "ILL-01: {answer: partly}",
            r"partly needs a note that says wh",
        ),
        ("ILL-01: {answer: meets}", "ILL-01: {answer: yes}", r":\d+: certification.answers.ILL-01"),
        ("    title: Page blocked", "    title: ''", r":\d+: service.block_page"),
        ("submission: first", "colour: red\nsubmission: first", r":3: colour"),
        (
            "    email: ann@acme.example",
            "    email: ann@acme.example\n  - {name: ANN  LEE, role: commercial, email: a@b.c}",
            r":\d+: contacts\[1\].name: 'ANN  LEE' is named twice; name each contact once",
        ),
        (
            "white_labels: []",
            "white_labels:\n  - {name: County, seller: A}\n  - {name: county, seller: B}",
            r":\d+: white_labels\[1\].name: 'county' is named twice; name each white label once",
        ),
        (
            "supplier: Acme",
            'supplier: "A\\x07"',
            r":\d+: service.supplier: not a name that the reg",
        ),
        ("name: Safe Net", 'name: "S\\x07"', r":\d+: service.name: not a name that the registry"),
        ("A filter for schools", "x" * 4001, r":\d+: service.description"),
        ("2026-03-01T12:00:00Z", "0001-01-01T00:00:00+05:00", r"signed has no time in UTC"),
        ("version: '2.1'", "version: EDIT", r":\d+: service.version: is still EDIT; write what"),
        ("A filter for schools", "' EDIT '", r":\d+: service.description: is still EDIT"),
        ("- name: Ann Lee", "- name: EDIT", r":\d+: contacts\[0\].name: is still EDIT"),
        ("[Hill School, Dale School]", "[EDIT]", r":\d+: references\[0\]: is still EDIT"),
        ("who: user", "who: EDIT", r":\d+: logs.fields.who: is still EDIT"),
        ("{answer: meets}", "{answer: partly, note: EDIT}", r"answers\..*\.note: is still EDIT"),
        ("scheme: becta-2008", "scheme: EDIT", r":\d+: certification.scheme: .*EDIT"),
    ],
)
def test_each_fault_is_named_with_its_line(file: Path, old: str, new: str, fault: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")

    told = faults(file)

    assert [line for line in told if re.search(fault, line)], told
    assert all(line.startswith("submission.yaml:") for line in told)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Safe Net", f"name: {'y' * 200}"),
        ("A filter for schools", "x" * 4000),
        ("white_labels: []", "white_labels: [{name: Safe Net, seller: A}]"),
        ("# A submission", "#" * 1_000_000),
    ],
)
def test_what_is_complete_is_recorded(runner: CliRunner, file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")

    assert invoke(runner, "submission", "check", str(file)).exit_code == 0
    ended = invoke(runner, "submission", "record", str(file))

    assert ended.exit_code == 0, ended.exception


def test_a_file_that_is_not_utf_8_is_refused_in_one_sentence(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"Ann Lee", b"Ann L\xe9"))

    assert [line for line in faults(file) if "not UTF-8 at byte" in line] == faults(file)
    assert len(faults(file)) == 1


def recorded(kind: str, *, every: bool = False) -> list[AnyRecord]:
    """The records of a kind in Acme's stream."""
    with open_session(Path("out/registry.sqlite")) as session:
        rows = session.registry.rows(kind, leave="" if every else "closed")
    return [msgspec.json.decode(row.body, type=HeldRecord).record for _, row in rows]


def test_the_bytes_of_the_file_are_what_is_recorded(runner: CliRunner, file: Path) -> None:
    content = file.read_bytes().replace(b"\n", b"\r\n").replace(b"Ann Lee", "Ánn Lee".encode())
    file.write_bytes(content)

    ended = invoke(runner, "submission", "record", str(file))

    assert ended.exit_code == 0, ended.exception
    (held,) = recorded("submission")
    assert isinstance(held, SubmissionRecord)
    assert held.sha256 == hashlib.sha256(content).hexdigest()
    assert held.text.encode() == content
    shown = invoke(runner, "submission", "show", "first-submission", "--supplier", "Acme")
    assert shown.stdout_bytes == content


def test_what_is_recorded_is_the_text_and_the_records_that_it_makes(
    runner: CliRunner, file: Path
) -> None:
    told = ["recorded: submission first-submission", "submission first-submission is recorded alr"]
    for first in told:  # once more changes nothing
        ended = invoke(runner, "submission", "record", str(file), "--by", "Ann")
        assert ended.exit_code == 0, ended.exception
        assert ended.stdout.startswith(first)
        assert "17 of 17 binding requirements of becta-2008" in ended.stdout
        assert "replaced" not in ended.stdout

    with open_session(Path("out/registry.sqlite")) as session:
        assert [head.events for head in session.registry.heads()] == [5]
        ((_, row),) = session.registry.rows("submission")
    held = msgspec.json.decode(row.body, type=HeldRecord).record
    assert isinstance(held, SubmissionRecord)
    assert (held.of, held.version, held.by) == ("Safe Net", "2.1", "Bob Hill")
    shown = invoke(runner, "submission", "show", "First-Submission", "--supplier", "acme")
    assert shown.stdout == file.read_text(encoding="utf-8")
    listed = invoke(runner, "registry", "list").stdout
    assert "description A filter" in listed
    assert "EDIT" not in listed
    missing = invoke(runner, "submission", "show", "second", "--supplier", "acme")
    assert "no submission 'second' of acme; known: first-submission" in str(missing.exception)


def test_a_changed_submission_needs_a_new_name_and_replaces_what_it_makes(
    runner: CliRunner, file: Path
) -> None:
    invoke(runner, "submission", "record", str(file))
    text = file.read_text(encoding="utf-8").replace("ann@acme.example", "lee@acme.example")
    file.write_text(text, encoding="utf-8")

    refused = invoke(runner, "submission", "record", str(file))
    assert "give the new one another name" in str(refused.exception)
    file.write_text(text.replace("submission: first", "submission: second"), encoding="utf-8")
    ended = invoke(runner, "submission", "record", str(file))
    assert ended.exit_code == 0, ended.exception
    assert (
        "replaced: contact Ann Lee: email lee@acme.example (before: ann@acme.example)"
        in ended.stdout
    )

    contacts = invoke(runner, "registry", "list", "contact").stdout
    assert "lee@acme.example" in contacts
    assert "ann@acme.example" not in contacts


def test_what_is_known_already_of_a_version_or_a_key_is_never_lost(
    runner: CliRunner, file: Path
) -> None:
    acme = ("--supplier", "Acme")
    sha256, key = "ab" * 32, "cd" * 32
    for words in (
        ("service", "Safe Net", *acme, "--set", "description=A sieve"),
        ("version", "2.1", *acme, "--set", "of=Safe Net", "--set", f"sha256={sha256}"),
        ("contact", "Ann Lee", *acme, "--set", "role=commercial", "--set", "email=ann@acme.example",
         "--set", f"public_key={key}"),
    ):  # fmt: skip
        assert invoke(runner, "registry", "add", *words).exit_code == 0

    ended = invoke(runner, "submission", "record", str(file))

    assert ended.exit_code == 0, ended.exception
    assert recorded("version") == [ServiceVersion(id="2.1", of="Safe Net", sha256=sha256)]
    assert recorded("contact") == [
        Contact(id="Ann Lee", role="technical", email="ann@acme.example", public_key=key)
    ]
    assert ended.stdout.splitlines()[-2:] == [
        "replaced: service Safe Net: description A filter for schools (before: A sieve)",
        "replaced: contact Ann Lee: role technical (before: commercial)",
    ]


def test_services_of_one_supplier_may_have_the_same_version(runner: CliRunner, file: Path) -> None:
    acme = ("--supplier", "Acme")
    invoke(runner, "registry", "add", "service", "Other", *acme)
    invoke(runner, "registry", "add", "version", "2.1", *acme, "--set", "of=Other")

    assert invoke(runner, "submission", "record", str(file)).exit_code == 0

    assert recorded("version") == [
        ServiceVersion(id="2.1", of="Other"),
        ServiceVersion(id="2.1", of="Safe Net"),
    ]
    close = ("registry", "close", "version", "2.1", *acme, "--reason", "r")
    refused = invoke(runner, *close)
    assert "several services have a version '2.1'; say which by --of" in str(refused.exception)
    assert invoke(runner, *close, "--of", "other").exit_code == 0
    assert recorded("version") == [ServiceVersion(id="2.1", of="Safe Net")]


def test_the_name_of_a_closed_submission_cannot_be_used_with_another_text(
    runner: CliRunner, file: Path
) -> None:
    invoke(runner, "submission", "record", str(file))
    closed = RecordClosed(at=NOW, actor="Ann", record=KEY, reason="r")
    with open_session(Path("out/registry.sqlite"), clock=SetClock(NOW)) as session:
        session.record(place_of("Acme"), closed)
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}# another\n", encoding="utf-8")

    refused = invoke(runner, "submission", "record", str(file))

    assert isinstance(refused.exception, UsageError)
    assert "is recorded with another text, and closed since" in str(refused.exception)
    file.write_text(text, encoding="utf-8")
    again = invoke(runner, "submission", "record", str(file))
    assert again.stdout.startswith("recorded: submission first-submission")
    assert len(recorded("submission")) == 1


def test_a_campaign_file_is_made_from_a_submission(runner: CliRunner, file: Path) -> None:
    ended = invoke(
        runner, "init", "spring", "--submission", str(file), "--proxy", "http://127.0.0.1:3128"
    )

    assert ended.exit_code == 0, ended.exception
    campaign, _ = read_campaign(Path("spring/campaign.yaml"))
    service = campaign.service
    assert (service.name, service.supplier, service.version) == ("Safe Net", "Acme", "2.1")
    assert service.block_page is not None
    assert service.block_page.title == "Page blocked"
    assert service.records is not None
    assert service.records.keeps_days == 365
    assert campaign.profiles["staff"].uploads == "allow"
    assert campaign.profiles["staff"].protocols == {"xmpp": "block"}
    both = invoke(runner, "init", "summer", "--submission", str(file), "--service", "Other")
    assert "leave out these options" in str(both.exception)
