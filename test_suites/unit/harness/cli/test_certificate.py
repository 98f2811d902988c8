"""``accredit certificate``: issuing, status lists, and what is not a valid certificate."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli import plan_step
from harness.cli.registry_care import changed_rows
from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.follow.replay import refused_today
from harness.model.certificate import CERTIFICATE_TYPE
from harness.model.decision import Condition, Status
from harness.model.event import RecordClosed
from harness.model.registry_record import Review
from harness.signing import signed_document
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.certified import BODY, NOW, SERVICE, Certified


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certified:
    clock = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    made = Certified(tmp_path, clock)
    made.service(labels=("County Filter",))
    return made


def test_a_certificate_says_what_was_decided_and_nothing_private(certified: Certified) -> None:
    due = Condition(
        plan="P-0009", requirement="URL-04", severity="major", state="agreed",
        due=NOW + timedelta(days=40),
    )  # fmt: skip
    certified.decide(
        Status.WITH_ACTION_PLAN, conditions=(due, due), white_labels=("County Filter",)
    )

    said = json.loads(certified.issue().read_bytes())["certificate"]

    assert (said["supplier"], said["service"], said["version"]) == ("Acme", SERVICE, "2.1")
    assert said["white_labels"] == ["County Filter"]
    assert said["status"] == "accredited-with-action-plan"
    assert said["conditions"] == [{"requirement": "URL-04", "due": "2026-04-11"}]
    assert said["body"] == {"name": "Example Board", "address": "1 High Street, Leeds"}
    assert (said["decided_by"], said["issued_by"]) == ("Di", "Cy Clerk")
    assert said["valid_until"] == "2026-12-27T09:00:00Z"
    assert said["scheme"] == {"id": "becta-2008", "version": "1"}
    assert (said["basis"]["journal"], said["basis"]["assessment"]) == ("a" * 64, "b" * 64)
    assert not any(word in json.dumps(said) for word in ("P-0009", "read it all", "spring"))


def test_what_was_tried_on_an_agreed_list_alone_is_said(certified: Certified) -> None:
    certified.decide(limited_to="agreed list only")
    file, listed = certified.issue(), certified.status_list()

    said = json.loads(file.read_bytes())["certificate"]
    key = ("--key", str(certified.public), "--status-list", str(listed))
    told = certified.run("verify", str(file), *key)

    assert said["limited_to"] == "agreed list only"
    assert "accredited by becta-2008 1 limited to: agreed list only" in told


def test_it_is_valid_until_it_expires_with_a_current_list(certified: Certified) -> None:
    certified.decide()
    file, listed = certified.issue(), certified.status_list()

    assert certified.verify(file, listed)["result"] == "valid"
    assert "suspension was not checked: no status list" in certified.found(file, code=3)
    certified.clock.at = NOW + timedelta(days=8)
    assert "is out of date since" in certified.found(file, listed, code=3)
    certified.clock.at = NOW + timedelta(days=301)
    assert "it expired on" in certified.found(file, listed, code=1)
    assert "it expired on" in certified.found(file, code=1)
    assert "expired" in certified.found(file, certified.status_list(), code=1)


def test_issuing_again_writes_the_same_bytes(certified: Certified) -> None:
    certified.decide()
    before = certified.issue().read_bytes()
    certified.clock.at += timedelta(days=3)

    again = certified.issue("D-0001", "--by", "Another", "--body", "Another body")

    assert again.read_bytes() == before
    with open_session(certified.registry) as session:
        with session.registry.reading(session.stream_named("Acme")) as access:
            assert len(access.found(kind=["certificate-issued"])) == 1
            assert list(refused_today(access.events())) == []
        assert not list(changed_rows(session.registry))


@pytest.mark.parametrize(
    ("then", "message"),
    [
        (lambda one: one.decide(Status.SUSPENDED), "was replaced by D-0002"),
        (lambda one: one.decide(), "was replaced by D-0002"),
        (
            lambda one: one.uphold_an_appeal("D-0001"),
            "by the appeal against decision D-0001, which was upheld",
        ),
        (lambda one: setattr(one.clock, "at", NOW + timedelta(days=301)), "D-0001 is expired now"),
        (
            lambda one: one.record(
                "Acme",
                one.added(
                    Review(id="Recall of D-0001, 2026-03-03", of=SERVICE, trigger="recall", due=NOW)
                ),
            ),
            "the service is under-review since 2026-03-02 09:00 UTC by the recall of decision D-0001",
        ),
    ],
)
def test_what_is_not_in_force_gets_no_certificate(
    certified: Certified, then: Callable[[Certified], None], message: str
) -> None:
    certified.decide()
    then(certified)

    assert message in certified.refused(*certified.issue_words())
    assert not (certified.folder / "certificate.json").exists()
    assert json.loads(certified.status_list().read_bytes())["status_list"]["certificates"] == {}


def test_a_decision_against_a_service_has_no_certificate(certified: Certified) -> None:
    certified.decide(Status.NOT_YET)

    assert "D-0001 is not-yet, which is no accreditation" in certified.refused(
        *certified.issue_words()
    )
    assert "no decision 'D-0007'; known: D-0001" in certified.refused(
        *certified.issue_words("D-0007")
    )


def test_a_body_without_name_or_address_is_refused_before_anything_is_recorded(
    certified: Certified,
) -> None:
    certified.decide()

    for words in (BODY[:2], BODY[2:], (*BODY[:3], " "), (*BODY[:1], "a\u202eb", *BODY[2:])):
        rest = ("--registry", str(certified.registry), "--out", str(certified.folder))
        message = certified.refused("issue", "D-0001", "--key", str(certified.key), *rest, *words)
        assert "--body NAME --address ADDRESS" in message
    assert json.loads(certified.status_list().read_bytes())["status_list"]["certificates"] == {}


@pytest.mark.parametrize(
    ("then", "status"),
    [
        (lambda one: one.decide(Status.SUSPENDED), "suspended"),
        (lambda one: one.decide(Status.WITHDRAWN), "revoked"),
        (lambda one: one.decide(Status.NOT_YET), "revoked"),
        (lambda one: one.decide(), "revoked"),
        (lambda one: one.decide(Status.TERMINATED), "revoked"),
        (lambda one: (one.decide(Status.SUSPENDED), one.measure_again(), one.decide()), "revoked"),
        (lambda one: one.uphold_an_appeal("D-0001"), "suspended"),
    ],
)
def test_later_decisions_suspend_or_revoke(
    certified: Certified, then: Callable[[Certified], None], status: str
) -> None:
    certified.decide()
    file, old = certified.issue(), certified.status_list("old.json")
    certified.clock.at += timedelta(hours=1)
    then(certified)
    listed = certified.status_list()

    assert status in certified.found(file, listed, code=1)
    assert certified.verify(file, old)["result"] == "valid", "an old list is believed for its days"
    certified.clock.at += timedelta(days=9)
    code = 1 if status == "revoked" else 3
    assert certified.verify(file, listed, code=code)["result"] != "valid"
    assert certified.verify(file, old, code=3)["result"] == "insufficient"


def test_a_status_list_holds_numbers_and_statuses_alone(certified: Certified) -> None:
    certified.service("Beta Secret Ltd")
    first, second = certified.decide(), certified.decide(supplier="Beta Secret Ltd")
    files = [
        json.loads(certified.issue(name, "--supplier", supplier).read_bytes())["certificate"]
        for name, supplier in ((first, "Acme"), (second, "Beta Secret Ltd"))
    ]

    listed = json.loads(certified.status_list().read_bytes())

    numbers = {one["number"]: "valid" for one in files}
    assert len(numbers) == 2
    assert listed["status_list"] == {
        "format": "accredit-status-list/1",
        "issued_at": "2026-03-02T09:00:00Z",
        "next_update": "2026-03-09T09:00:00Z",
        "certificates": numbers,
    }
    assert set(listed) == {"status_list", "signature"}
    message = certified.refused(*certified.issue_words())
    assert "several suppliers have a decision D-0001" in message


def test_a_clock_that_is_behind_makes_no_status_list(certified: Certified) -> None:
    certified.decide()
    certified.issue()
    certified.clock.at -= timedelta(days=1)

    words = ("--key", str(certified.key), "--out", str(certified.folder / "x.json"))
    where = ("--registry", str(certified.registry))
    assert "after this machine's clock" in certified.refused("status-list", *words, *where)


def test_a_change_of_any_byte_is_found(certified: Certified) -> None:
    certified.decide()
    file, listed = certified.issue(), certified.status_list()
    raw = file.read_bytes()

    for at in range(0, len(raw), 11):
        file.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        certified.verify(file, listed, code=1)
    for other in (
        b" " + raw,
        raw[:-1],
        raw + b"\n",
        raw.replace(b'{"certificate":', b'{"certificate":{},"certificate":'),
        raw.replace(b'"Acme"', '"\u0410cme"'.encode()),
        b"[" * 5000,
        b"",
        b"{}",
        b'{"certificate":1e999,"signature":{"keyid":"","sig":""}}',
        b"\xff\xfe",
    ):
        file.write_bytes(other)
        assert certified.verify(file, listed, code=1)["certificate"] is None


def test_keys_and_kinds_of_documents_are_not_mixed_up(certified: Certified) -> None:
    certified.decide()
    file, listed = certified.issue(), certified.status_list()
    other, public = write_keys(certified.folder, "theirs", seed=2)
    theirs = certified.status_list("theirs.json", other)

    assert "the status list cannot be used" in certified.found(file, theirs, code=3)
    assert "the status list cannot be used" in certified.found(file, file, code=3)
    assert "not in the form in which a certificate" in certified.found(listed, listed, code=1)
    certified.public = public
    assert "no signature by a key that was given" in certified.found(file, theirs, code=1)


def test_two_certificates_never_have_one_number_even_if_the_key_signs_both(
    certified: Certified,
) -> None:
    certified.decide()
    file, listed = certified.issue(), certified.status_list()
    said = json.loads(file.read_bytes())["certificate"]
    said["service"] = "Another Net"
    file.write_bytes(signed_document("certificate", CERTIFICATE_TYPE, said, certified.key))

    found = certified.found(file, listed, code=1)

    assert f"the number {said['number']} belongs to another certificate" in found


def test_a_certificate_that_the_list_does_not_know_is_not_valid(certified: Certified) -> None:
    certified.decide()
    early = certified.status_list("early.json")
    certified.clock.at += timedelta(hours=1)
    file = certified.issue()

    assert "is older than the certificate" in certified.found(file, early, code=3)
    certified.registry = certified.folder / "another.sqlite"
    certified.numbers.clear()
    certified.service()
    certified.clock.at += timedelta(hours=1)
    assert "no certificate of this number" in certified.found(file, certified.status_list(), code=1)


def test_a_clock_before_the_issue_is_no_proof(certified: Certified) -> None:
    certified.decide()
    file, listed = certified.issue(), certified.status_list()
    certified.clock.at = NOW - timedelta(days=1)

    found = certified.found(file, listed, code=3)

    assert "one of them is wrong" in found
    assert "is later than the clock of this machine" in found


def test_files_that_cannot_be_read_are_wrong_use(certified: Certified) -> None:
    certified.decide()
    file = certified.issue()
    large, folder = certified.folder / "large", certified.folder / "folder"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    folder.mkdir()
    link = certified.folder / "link"
    link.symlink_to(file)
    key = ("--key", str(certified.public))

    assert certified.verify(link, certified.status_list())["result"] == "valid"
    assert "larger than 1 MiB" in certified.refused("verify", str(large), *key)
    assert "is a folder" in certified.refused("verify", str(folder), *key)
    assert "No such file" in certified.refused("verify", str(certified.folder / "none"), *key)
    listed = ("--status-list", str(large))
    assert "larger than 1 MiB" in certified.refused("verify", str(file), *key, *listed)
    assert "no public Ed25519 key" in certified.refused("verify", str(file), "--key", str(file))
    pipe = certified.folder / "pipe"
    os.mkfifo(pipe)
    assert "is a pipe" in certified.refused("verify", str(pipe), *key)


def test_the_words_say_what_was_checked(certified: Certified) -> None:
    certified.decide(white_labels=("County Filter",))
    file, listed = certified.issue(), certified.status_list()
    words = ("verify", str(file), "--key", str(certified.public))

    without = certified.run(*words, code=3)
    told = certified.run(*words, "--status-list", str(listed))

    assert "NOT KNOWN whether it is valid" in without
    assert "? suspension was not checked" in without
    assert "valid now (2026-03-02 09:00 UTC) Acme: Safe Net, version 2.1" in told
    assert "also sold as: County Filter accredited by becta-2008 1 decided by Di" in told
    assert "✓ signed by key" in told


def test_a_recall_ends_by_newer_evidence_and_not_by_closing_its_review(
    certified: Certified,
) -> None:
    certified.decide()
    file = certified.issue()
    review = Review(id="Recall of D-0001, 2026-03-02", of=SERVICE, trigger="recall", due=NOW)
    certified.record("Acme", certified.added(review))
    closed = RecordClosed(at=NOW, actor="Ann", record=review.key, reason="it was another one")
    with pytest.raises(UsageError, match="ends by a decision on a campaign that begins after it"):
        certified.record("Acme", closed)
    with pytest.raises(UsageError, match=r"under-review since .* only evidence that began after"):
        certified.decide()
    certified.numbers["Acme"] -= 1

    said = certified.found(file, certified.status_list(), code=1)
    assert "suspended because something that the decision rested on proved wrong" in said
    certified.measure_again()
    certified.decide()
    assert certified.issue("D-0002").exists()
    later = RecordClosed(at=certified.clock.at, actor="Ann", record=review.key, reason="done")
    certified.record("Acme", later)
