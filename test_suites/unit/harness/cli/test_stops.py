"""A stop ends only by evidence that began after it: through the command line, as a finder tried it.

Each campaign is measured once; after each act certificate, status list, register, feed, site and hub
say the same.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.cli.registry_session import open_session, place_of
from harness.model.event import RecordAdded
from harness.model.registry_record import SubmissionRecord
from harness.store.hub.repository import Repository
from reports.dashboard.addresses import address
from test_suites.kit.hubs.follow_up_desk import FollowUpDesk
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.conftest import BoardOf, simulated_in
from test_suites.unit.harness.cli.decision_board import SERVICE, Board, LaterClock

WHY = ("--reason", "because", "--by", "Di")


class Register:
    """What certificate, status list and public register say of the board's service."""

    def __init__(self, board: Board, folder: Path) -> None:
        self.board, self.folder = board, folder
        self.key, self.public = write_keys(folder)

    def issue(self, decision: str) -> Path:
        out = self.folder / decision
        words = ("certificate", "issue", decision, "--key", str(self.key), "--no-pdf", "--by", "Cy")
        body = ("--body", "Example Board", "--address", "1 High Street, Leeds")
        where = ("--registry", str(self.board.out / "registry.sqlite"), "--out", str(out))
        self.board.accredit(*words, *body, *where, folder=False)
        return out / "certificate.json"

    def says(self, file: Path, *, code: int) -> str:
        """The check of a certificate with a status list of now."""
        listed, registry = self.folder / "list.json", str(self.board.out / "registry.sqlite")
        words = ("status-list", "--key", str(self.key), "--out", str(listed))
        self.board.accredit("certificate", *words, "--registry", registry, folder=False)
        rest = ("--key", str(self.public), "--status-list", str(listed))
        return self.board.accredit(
            "certificate", "verify", str(file), *rest, code=code, folder=False
        )

    def site(self) -> tuple[Any, str, str]:
        """The register's entry of the service, its page, and the feed."""
        site = self.folder / "site/public"
        results = str(self.board.out)
        self.board.accredit(
            "site", "build", "--results", results, "--out", str(site.parent), folder=False
        )
        (entry,) = json.loads((site / "register.json").read_bytes())["services"]
        page = (site / f"services/{entry['page']}.html").read_text("utf-8")
        return entry, page, (site / "feed.xml").read_text("utf-8")

    def agree(self, file: Path, status: str, why: str) -> None:
        """Check that every public place says that the service is stopped, and why."""
        assert why in self.says(file, code=1)
        entry, page, feed = self.site()
        assert (entry["status"], entry["history"][-1]["why"]) == (status, why)
        assert why in page
        assert why in feed
        assert why in self.board.accredit("decision", "list")
        for page in self.hub():
            assert why in page

    def hub(self) -> tuple[str, str]:
        """What a hub with this registry shows: its public rows, and the page of the service."""
        with closing(FollowUpDesk(self.board.out, self.board.clock)) as desk:
            rows = Repository(desk.session.registry).public_documents()
            page = address("services", place_of("Acme").stream, SERVICE)
            return " ".join(row.body for row in rows), desk.page(page, "owner")


@pytest.fixture
def board(board_of: BoardOf) -> Board:
    """A board whose campaign ``spring`` of version 2.1 meets everything."""
    return board_of(version="2.1")


def refused(board: Board, status: str, results: Path, *words: str) -> str:
    """Recommend and decide; one of both is refused, with this sentence."""
    rest = ("--results", str(results), "--reason", "again", *words)
    return board.refused("decision", "recommend", status, *rest, "--by", "Ray")


VERSION = ("--version", "2.1")


@pytest.mark.timeout(900)
def test_a_suspension_a_recall_and_a_withdrawal_hold(board_of: BoardOf, tmp_path: Path) -> None:
    board = board_of()
    register = Register(board, tmp_path)
    spring = board.out / "spring"
    board.version()
    board.decide("accredited", spring)
    file = register.issue("D-0001")
    assert "valid now" in register.says(file, code=0)

    suspend(board, register, file, spring)
    summer = board.measure("summer", version="2.1")
    said = refused(board, "accredited", summer, "--version", "2.2")
    assert "campaign summer was registered for version 2.1, and this is about version 2.2" in said
    board.decide("accredited", summer, *VERSION)
    file = register.issue("D-0003")
    assert "valid now" in register.says(file, code=0)
    assert "before campaign summer, which D-0003 was decided on" in refused(
        board, "accredited", spring, *VERSION
    )

    autumn = recall_its_probe(board, register, file, summer)
    withdraw(board, register, file, autumn)


def suspend(board: Board, register: Register, file: Path, results: Path) -> None:
    """The campaign that was suspended lifts nothing, under no version."""
    board.accredit("registry", "add", "complaint", "The list is old", "--supplier", "Acme",
                   "--set", f"of={SERVICE}", "--set", "complainant=A school",
                   "--set", "description=It opens")  # fmt: skip
    because = ("--because-of", "The list is old")
    assert "no alarm, plan or complaint 'A-0009' is on record" in board.refused(
        "decision", "make", "suspended", "--of", "D-0001", "--because-of", "A-0009", *WHY
    )
    board.accredit("decision", "make", "suspended", "--of", "D-0001", *because, *WHY)
    register.agree(file, "suspended", "after a complaint")
    assert "only evidence that began after that ends it" in refused(board, "accredited", results)
    board.version("2.2")
    said = refused(board, "accredited", results, "--version", "2.2")
    assert "the service is suspended since" in said, "another version is no way round it"


def recall_its_probe(board: Board, register: Register, file: Path, results: Path) -> Path:
    """Nothing that was measured with the wrong probe decides; returns another such campaign."""
    because = ("--because", "The probe follows no redirects", "--by", "Ann")
    said = board.accredit("recall", *because, "--probe", "web", code=1)
    assert "[pupils-none]" not in said, "no line is invented"
    assert "it was conforms, and is not measured now" in said
    register.agree(
        file, "under-review", "because something that the decision rested on proved wrong"
    )
    said = refused(board, "accredited", results, *VERSION)
    assert "by the recall of decision D-0003" in said
    assert "its probe web proved wrong" in said
    assert "no certificate can be issued" in board.refused(
        "certificate", "issue", "D-0003", "--key", str(register.key), "--registry",
        str(board.out / "registry.sqlite"), "--body", "B", "--address", "A",
    )  # fmt: skip
    autumn = board.measure("autumn", version="2.1")
    said = refused(board, "accredited", autumn, *VERSION)
    assert "its probe web proved wrong in isp-accredit" in said, "the same version is as wrong"
    return autumn


def withdraw(board: Board, register: Register, file: Path, results: Path) -> None:
    """After a withdrawal neither an older campaign nor a submission alone is enough."""
    board.accredit("decision", "make", "withdrawn", "--of", "D-0003", *WHY)
    register.agree(file, "withdrawn", "by a decision of the accreditation body")
    said = board.accredit("decision", "propose", str(results), *VERSION, code=1)
    assert "is withdrawn since" in said
    with open_session(board.out / "registry.sqlite", clock=board.clock) as session:
        record = SubmissionRecord(
            id="second", of=SERVICE, version="2.1", scheme="one-row", scheme_version="1", by="Sue",
            signed=board.clock.now(), sha256="", text="",
        )  # fmt: skip
        added = RecordAdded(at=board.clock.now(), actor="Sue", record=record)
        session.record(place_of("Acme"), added)
    said = board.accredit("decision", "propose", str(results), *VERSION, code=1)
    assert "only evidence that began after that ends it" in said, "the submission is not enough"


def test_there_is_no_way_round_a_suspension(later: LaterClock, tmp_path: Path) -> None:
    """A copy, another folder, another declaration, a version that is added anew: all are refused."""
    board = Board(simulated_in(tmp_path), tmp_path, later)
    spring = board.measure("spring", version="2.1")
    board.version()
    board.decide("accredited", spring, *VERSION)
    board.accredit("decision", "make", "suspended", "--of", "D-0001", *WHY)
    board.version("2.2")
    old = "only evidence that began after that ends it"
    registry = ("--registry", str(board.out / "registry.sqlite"))

    copied = shutil.copytree(spring, board.out / "autumn")
    assert old in refused(board, "accredited", copied, *VERSION)
    moved = shutil.copytree(spring, tmp_path / "elsewhere/spring")
    assert old in refused(board, "accredited", moved, *registry, *VERSION)
    assert "registered for version 2.1, and this is about version 2.2" in refused(
        board, "accredited", spring, "--version", "2.2"
    )
    said = board.refused("run", str(board.campaign("spring", version="2.2")))
    assert "begun with another declaration (changed: campaign.service.version)" in said
    undeclared = board.measure("summer")
    assert "registered for version 2.2" in refused(board, "accredited", undeclared, *VERSION)
    of = ("--supplier", "Acme", "--of", SERVICE, "--reason", "a mistake", "--by", "Ann")
    board.accredit("registry", "close", "version", "2.1", *of)
    board.version()
    assert old in refused(board, "accredited", spring, *VERSION)


def test_results_are_decided_on_in_the_registry_that_registered_them(
    board: Board, tmp_path: Path
) -> None:
    """A bundle is decided on by it; a registry beside the results, made by anybody, is not asked."""
    spring = board.out / "spring"
    board.version()
    registry = ("--registry", str(board.out / "registry.sqlite"))
    bundle, (key, _) = tmp_path / "spring.zip", write_keys(tmp_path)
    made = ("bundle", "make", str(spring), "--key", str(key), "--out", str(bundle))
    board.accredit(*made, "--reveal-seed", folder=False)
    received = tmp_path / "received/spring"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(received, [one for one in archive.namelist() if "journal/" in one])
    propose = ("decision", "propose", str(received), *registry)

    assert "the rules propose accredited" in board.accredit(*propose)

    add = ("registry", "add", "contact", "Somebody", "--owner", "--set", "role=decision-maker")
    board.accredit(*add, "--set", "email=a@b.org", "--out", str(received.parent), folder=False)
    said = board.accredit(*propose, code=1)
    assert f"judged with another registry, {received.parent / 'registry.sqlite'}" in said
