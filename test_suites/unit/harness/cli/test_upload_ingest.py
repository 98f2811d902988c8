"""A bundle that a person sends is verified and judged again, and its campaign is recorded once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli.conclude import conclude_journal
from harness.cli.decision_basis import read_campaign
from harness.cli.hub_uploads import MOST_CUT_OFF
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.cli.registry_session import open_session
from harness.cli.upload_ingest import NO_KEYS, RECORDED_ALREADY, UNKNOWN, Ended
from harness.errors import InstrumentError
from harness.model.event import FindingOpened, PlanDrafted
from harness.store.hub.upload_store import UploadState
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.sent_bundles import (
    LABORATORY,
    STRANGER,
    SUPPLIER,
    SentBundles,
    batches_of,
)
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import (
    ACME,
    ACMES,
    ASSESSOR,
    BETAS,
    OTHER,
    TRUSTED,
    UploadDesk,
)

PREFIXES = (3, 7, 14)


class Sent:
    """Bundles of a campaign: as it stood after some batches, whole, and by other keys."""

    def __init__(self, folder: Path) -> None:
        self.made = SentBundles(folder)
        self.journal = self.made.measure()
        with closing(open_journal(self.journal)) as opened:
            self.rows = opened.rows
            self.head = opened.head.hash
            sizes = [len(rows) for _, rows in batches_of(opened)]
        self.prefixes = []
        self.rows_of = []
        for batches in PREFIXES:
            earlier = self.made.earlier(self.journal, batches, f"first-{batches}")
            self.prefixes.append(self.made.bundle(earlier, f"first-{batches}").read_bytes())
            self.rows_of.append(sum(sizes[:batches]))
        self.whole = self.made.bundle(self.journal, "whole").read_bytes()
        self.own = self.made.bundle(self.journal, "own-key", SUPPLIER).read_bytes()
        self.strange = self.made.bundle(self.journal, "strange", STRANGER).read_bytes()


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    return Sent(tmp_path_factory.mktemp("sent"))


@pytest.fixture
def desk(tmp_path: Path, sent: Sent) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path).make()
    with example.running() as hub:
        desk = UploadDesk(example, hub)
        desk.trust(sent.made)
        yield desk


def rows_held(desk: UploadDesk, name: str = "autumn") -> int:
    with closing(open_journal(desk.results / name / "journal")) as opened:
        opened.verify()
        keys = [one.key for one in opened.observations()]
    assert len(set(keys)) == len(keys)
    return len(keys)


def test_what_a_laboratory_signed_is_recorded_as_a_run_records_it(
    desk: UploadDesk, sent: Sent
) -> None:
    done = desk.judged(ASSESSOR, sent.whole)

    assert ("recorded", "") == (done.state, done.reason)
    assert (ACME, "autumn", "Safe Net") == (done.stream, done.campaign, done.service)
    assert ("becta-2008", "Example Laboratory") == (done.scheme.split()[0], done.signer)
    assert (4, 4) == (done.done, done.total)
    (record,) = desk.records()
    assert ("autumn", sent.head) == (record.id, record.journal)
    assert sent.rows == rows_held(desk)
    drafted = [each for each in desk.events() if isinstance(each, PlanDrafted)]
    found = [each for each in desk.events() if isinstance(each, FindingOpened)]
    assert len(found) == len(drafted)
    assert {"Ama Owusu"} == {each.actor for each in desk.events()}


def test_it_is_told_to_be_recorded_once_its_page_was_made(desk: UploadDesk, sent: Sent) -> None:
    upload = desk.send(ASSESSOR, sent.whole)
    seen = []

    def renew() -> None:
        found = desk.uploads.find(ASSESSOR, upload.id)
        seen.append((len(desk.records()), found and found.state))

    desk.renew = renew
    desk.look()

    assert [(1, "recording")] == seen
    assert "recorded" == desk.judged(ASSESSOR, sent.whole).state


def test_the_commands_work_from_what_is_recorded(desk: UploadDesk, sent: Sent) -> None:
    done = desk.judged(ASSESSOR, sent.whole)
    results = desk.results / "autumn"
    ran = CliRunner().invoke(app, ["report", str(results)])
    assessment, _ = conclude_journal(results)

    assert 0 == ran.exit_code, ran.output
    assert (results / "report-becta-2008.html").is_file()
    assert done.result == assessment.conformity.value
    before = len(desk.events())
    paths = CampaignPaths(out=desk.results, campaign="autumn")
    assert () == open_plans(assessment, paths, desk.example.clock)
    assert before == len(desk.events())


def test_a_self_test_is_judged_and_shown_and_is_no_evidence(desk: UploadDesk, sent: Sent) -> None:
    before = {each.name for each in desk.results.iterdir()}
    done = desk.judged(ACMES, sent.own)

    assert ("self-test", "Acme", "autumn") == (done.state, done.signer, done.campaign)
    assert done.result in ("conforms", "does-not-conform", "insufficient")
    assert () == desk.events()
    assert before == {each.name for each in desk.results.iterdir()}
    opened = desk.example.opened
    assert opened is not None
    with (
        pytest.raises(Exception, match="no journal here"),
        open_session(opened.hub.registry, clock=desk.example.clock) as session,
    ):
        read_campaign(desk.results / "autumn", None, desk.example.clock, session)
    assert sent.own == desk.uploads.path(done).read_bytes()


def test_the_same_bundle_of_two_people_is_recorded_once(desk: UploadDesk, sent: Sent) -> None:
    first, second = desk.send(ASSESSOR, sent.whole), desk.send(OTHER, sent.whole)
    assert first.id != second.id
    desk.look()
    events = len(desk.events())
    again = desk.judged(ASSESSOR, sent.whole)

    assert first.id == again.id
    other = desk.uploads.find(OTHER, second.id)
    assert other is not None
    assert ["recorded"] * 2 == [again.state, other.state]
    assert {"", RECORDED_ALREADY} == {again.reason, other.reason}
    assert events == len(desk.events())
    assert 1 == len(desk.records())


def test_a_longer_journal_replaces_and_a_shorter_one_changes_nothing(
    desk: UploadDesk, sent: Sent
) -> None:
    states = [desk.judged(ASSESSOR, each) for each in (sent.prefixes[0], sent.whole)]
    late = desk.judged(ASSESSOR, sent.prefixes[1])

    assert ["", "it replaces a shorter journal"] == [each.reason for each in states]
    assert ("recorded", RECORDED_ALREADY) == (late.state, late.reason)
    (record,) = desk.records()
    assert sent.head == record.journal
    assert sent.rows == rows_held(desk)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.lists(
        st.tuples(st.integers(0, len(PREFIXES) - 1), st.sampled_from([ASSESSOR, OTHER])),
        min_size=2,
        max_size=5,
    )
)
def test_uploads_of_prefixes_in_any_order_leave_the_union_once(
    tmp_path_factory: pytest.TempPathFactory, sent: Sent, order: list[tuple[int, object]]
) -> None:
    example = HubExample(tmp_path_factory.mktemp("hub")).make()
    with example.running() as hub:
        desk = UploadDesk(example, hub)
        desk.trust(sent.made)
        for number, viewer in order:
            done = desk.judged(viewer, sent.prefixes[number])  # type: ignore[arg-type]
            assert "recorded" == done.state, done.reason
        longest = max(number for number, _ in order)

        assert sent.rows_of[longest] == rows_held(desk)
        (record,) = desk.records()
        with closing(open_journal(desk.results / "autumn/journal")) as opened:
            assert opened.head.hash == record.journal
        plans = [each.plan for each in desk.events() if isinstance(each, PlanDrafted)]
        assert len(set(plans)) == len(plans)


def test_another_run_under_the_same_name_is_refused(desk: UploadDesk, sent: Sent) -> None:
    desk.judged(ASSESSOR, sent.prefixes[0])
    events = desk.events()
    other = sent.made.measure(out="other", seed="another seed")
    done = desk.judged(ASSESSOR, sent.made.bundle(other, "other-run"))

    assert "refused" == done.state
    assert "the hub has another run of the campaign 'autumn'" in done.reason
    assert done.reason.endswith("nothing was stored")
    assert events == desk.events()
    assert sent.rows_of[0] == rows_held(desk)


def test_without_results_the_recorded_head_must_be_continued(desk: UploadDesk, sent: Sent) -> None:
    desk.judged(ASSESSOR, sent.whole)
    shutil.rmtree(desk.results / "autumn")
    other = sent.made.measure(out="third", seed="a third seed")
    refused = desk.judged(ASSESSOR, sent.made.bundle(other, "third-run"))
    again = desk.judged(OTHER, sent.whole)

    assert "another run" in refused.reason
    assert "recorded" == again.state
    assert sent.rows == rows_held(desk)
    assert 1 == len(desk.records())


@pytest.mark.parametrize("viewer", [BETAS, ACMES])
def test_a_bundle_of_a_service_that_is_not_seen_is_refused_like_an_unknown(
    desk: UploadDesk, sent: Sent, viewer: object
) -> None:
    if viewer is ACMES:
        desk.trust(sent.made, {**TRUSTED[0], "supplier": "Beta"})
    done = desk.judged(viewer, sent.whole)  # type: ignore[arg-type]

    assert ("refused", f"{UNKNOWN}; nothing was stored") == (done.state, done.reason)
    assert ("", "", "") == (done.stream, done.campaign, done.signer)
    assert () == desk.events()


def test_a_suppliers_key_signs_no_results_of_another_supplier(desk: UploadDesk, sent: Sent) -> None:
    desk.trust(sent.made, {**TRUSTED[1], "supplier": "Beta"})
    assert "refused" == desk.judged(ASSESSOR, sent.own).state


def test_a_key_that_nobody_trusts_is_refused(desk: UploadDesk, sent: Sent) -> None:
    done = desk.judged(ASSESSOR, sent.strange)
    assert "refused" == done.state
    assert "no signature by a key" in done.reason
    desk.change(lambda document: document.update(trusted=[]))
    assert NO_KEYS in desk.judged(ASSESSOR, sent.whole).reason
    assert [] == [*(desk.example.hub / "sent").rglob("*.zip")]


@pytest.mark.parametrize("at", [100, 5000, -100])
def test_a_changed_byte_is_refused_and_said_without_paths_of_the_hub(
    desk: UploadDesk, sent: Sent, at: int
) -> None:
    changed = bytearray(sent.whole)
    changed[at] ^= 1
    done = desk.judged(ASSESSOR, bytes(changed))

    assert "refused" == done.state
    assert str(desk.example.folder) not in done.reason
    assert not (desk.results / "autumn").exists()


def test_an_easier_scheme_under_the_same_name_is_refused(desk: UploadDesk, sent: Sent) -> None:
    folder = sent.made.folder / "schemes"
    folder.mkdir(exist_ok=True)
    text = "id: web-only\nversion: '1'\ntitle: Some\nparent: becta-2008\nwithout: [{}]\n"
    ours, theirs = folder / "ours.yaml", folder / "theirs.yaml"
    ours.write_text(text.format("MAL-01"))
    theirs.write_text(text.format("MAL-01, URL-01"))
    easier = sent.made.bundle(sent.journal, "easier", scheme=str(theirs))
    fair = sent.made.bundle(sent.journal, "fair", scheme=str(ours))

    assert "which this hub does not have" in desk.judged(ASSESSOR, easier).reason
    desk.change(lambda document: document.update(schemes=[str(ours)]))
    assert "another scheme than web-only 1" in desk.judged(ASSESSOR, easier).reason
    done = desk.judged(ASSESSOR, fair)
    assert ("recorded", "web-only 1") == (done.state, done.scheme)
    assert (desk.results / "autumn/assessment-web-only.json").is_file()


def test_a_second_scheme_of_the_same_journal_is_recorded_beside_the_first(
    desk: UploadDesk, sent: Sent
) -> None:
    other = sent.made.bundle(sent.journal, "other-scheme", scheme="uksic-2024")
    for content in (sent.whole, other.read_bytes(), sent.whole):
        assert "recorded" == desk.judged(OTHER, content).state

    assert ["becta-2008", "uksic-2024"] == sorted(each.scheme for each in desk.records())


def test_where_the_hub_is_at_fault_an_upload_waits(
    desk: UploadDesk, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (desk.example.hub / "hub.yaml").read_text()
    (desk.example.hub / "hub.yaml").write_text("monitoring: [")
    assert "waiting" == desk.judged(ASSESSOR, sent.whole).state
    assert "waits" in desk.told[-1]
    (desk.example.hub / "hub.yaml").write_text(text)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0})())
    desk.look()
    assert "too little space" in desk.told[-1]
    monkeypatch.undo()
    desk.look()

    assert "recorded" == desk.judged(ASSESSOR, sent.whole).state


def test_what_a_killed_process_had_begun_is_done_by_the_next(
    desk: UploadDesk, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended after the journal was put to the results, and before the registry was written."""
    monkeypatch.setattr(
        "harness.cli.upload_ingest.open_plans",
        lambda *_: (_ for _ in ()).throw(InstrumentError("killed here")),
    )
    done = desk.judged(ASSESSOR, sent.whole)
    assert ("waiting", 3) == (done.state, done.done)
    assert sent.rows == rows_held(desk)
    assert () == desk.events()
    monkeypatch.undo()
    desk.look()

    assert "recorded" == desk.judged(ASSESSOR, sent.whole).state
    assert 1 == len(desk.records())


def test_other_measurements_are_no_journal_of_accredit(
    desk: UploadDesk, sent: Sent, tmp_path: Path
) -> None:
    from test_suites.kit.campaigns.ooni_cases import CASES  # noqa: PLC0415 - of this test alone

    lines = [json.dumps({**case.measurement, "id": f"m{n}"}) for n, case in enumerate(CASES)]
    (tmp_path / "their.jsonl").write_text("\n".join(lines) + "\n")
    words = ["bundle", "import", "--format", "ooni", str(tmp_path / "their.jsonl")]
    assert 0 == CliRunner().invoke(app, [*words, "--out", str(tmp_path / "theirs")]).exit_code
    path = sent.made.bundle(tmp_path / "theirs", "theirs", LABORATORY)

    assert "was not measured by Accredit" in desk.judged(ASSESSOR, path).reason


def test_a_bundle_at_which_the_hub_ends_again_and_again_is_refused(
    desk: UploadDesk, sent: Sent
) -> None:
    upload = desk.send(ASSESSOR, sent.whole)
    states, reason = [], ""
    for _ in range(MOST_CUT_OFF):
        desk.uploads.tell(upload, UploadState.JUDGING, 1, Ended())  # and here the process ends
        desk.uploads.recover()
        found = desk.uploads.find(ASSESSOR, upload.id)
        assert found is not None
        states.append(found.state)
        reason = found.reason

    assert [*["waiting"] * (MOST_CUT_OFF - 1), "refused"] == states
    assert "the hub ended 3 times" in reason


def test_a_file_that_is_gone_or_was_not_moved_is_found_or_asked_for(
    desk: UploadDesk, sent: Sent
) -> None:
    """As in a copy of the hub that was made while a file was moved."""
    upload = desk.send(ASSESSOR, sent.whole)
    path = desk.uploads.path(upload)
    part = desk.example.hub / "sent/parts" / path.parent.name / f"{path.stem}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    path.rename(part)
    desk.look()
    assert "recorded" == desk.judged(ASSESSOR, sent.whole).state
    other = desk.send(OTHER, sent.whole)
    desk.uploads.path(other).unlink()
    desk.look()
    gone = desk.uploads.find(OTHER, other.id)
    assert gone is not None
    assert ("refused", "the hub lost the file; send it again") == (gone.state, gone.reason)
