"""Rows of items: one for each trial, its evidence, and nothing that must not be kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import select

from harness.cli.hub_items import item_rows, write_items
from harness.cli.paths import CampaignPaths
from harness.model.corpus import Appeal
from harness.model.journal_header import PackNote
from harness.model.technique import WAY
from harness.store.evidence import EvidenceFolder
from harness.store.hub.hub_tables import ITEMS
from harness.store.hub.item_evidence import ItemEvidence, KeptBody, decode_evidence
from harness.store.hub.item_rows import AT_ONCE, ItemRow, age_out, replace_items
from harness.store.journal.journal import SegmentJournal
from harness.store.registry.opening import open_registry
from test_suites.kit.campaigns.journal_headers import header
from test_suites.kit.campaigns.trials import batch_of, web
from test_suites.kit.hubs.hub_items_example import (
    BLOCKED,
    HIDDEN_VALUE,
    PAGE,
    SECRET,
    HeldJournal,
    journal,
    tried,
)


def rows_of(held: HeldJournal, folder: EvidenceFolder | None = None) -> list[ItemRow]:
    return list(item_rows(held, folder))


def by_item(rows: Iterable[ItemRow]) -> dict[str, ItemRow]:
    return {row.item: row for row in rows}


def evidence_of(row: ItemRow) -> ItemEvidence:
    assert row.evidence is not None
    return decode_evidence(row.evidence)


@pytest.fixture
def rows(tmp_path: Path) -> dict[str, ItemRow]:
    folder = EvidenceFolder(tmp_path)
    folder.keep(PAGE)
    return by_item(rows_of(journal(is_later=True), folder))


def test_each_trial_has_a_row_with_what_happened(rows: dict[str, ItemRow]) -> None:
    assert 12 == len(rows)
    assert list(range(1, 13)) == sorted(row.number for row in rows.values())
    blocked, came = rows["drug-01"], rows["drug-02"]
    assert ("blocked", "block_page", "page-learned") == (
        blocked.state, blocked.mechanism, blocked.rule,
    )  # fmt: skip
    assert ("allowed", "none", "token-arrived") == (came.state, came.mechanism, came.rule)
    assert "drug-02.canary.accredit.test" == came.shown
    assert ("DRUG", "ks2", "proxy", "web", 1) == (
        came.category, came.profile, came.line, came.probe, came.round,
    )  # fmt: skip


def test_evidence_holds_both_observations_and_the_verdict(rows: dict[str, ItemRow]) -> None:
    held = evidence_of(rows["drug-01"])
    assert held.service is not None
    assert held.control is not None
    assert "proxy" == held.service.key.line
    assert "control" == held.control.key.line
    assert any("block page" in each for each in held.witnesses)
    (body,) = held.bodies
    sha256 = PAGE.digest.removeprefix("sha256:")
    assert KeptBody(sha256=sha256, size=len(PAGE.body), media_type="text/html") == body
    assert 1 == held.missing


def test_without_a_folder_no_body_is_named_as_kept() -> None:
    found = by_item(rows_of(journal(is_later=True)))
    assert ((), 2) == (evidence_of(found["drug-01"]).bodies, evidence_of(found["drug-01"]).missing)


@pytest.mark.parametrize("name", ["s3-1", "s3-2", "s4-1", "0011223344"])
def test_nothing_that_was_read_of_sensitive_items_is_kept(
    rows: dict[str, ItemRow], name: str
) -> None:
    row, held = rows[name], evidence_of(rows[name])
    kept = repr(row._replace(evidence=None)) + repr(held)
    assert SECRET not in kept
    assert ((), 0) == (held.bodies, held.missing)
    assert held.withheld


def test_an_s3_item_keeps_its_host_and_the_figures(rows: dict[str, ItemRow]) -> None:
    held = evidence_of(rows["s3-1"])
    assert held.service is not None
    text = repr(held.service.facts)
    assert "url='s3.example.org'" in text
    assert "status=403" in text
    assert "title=''" in text


def test_an_s4_item_has_no_value_and_no_facts_but_those_of_its_program(
    rows: dict[str, ItemRow],
) -> None:
    named, sealed = evidence_of(rows["s4-1"]), evidence_of(rows["0011223344"])
    assert "s4-1" == rows["s4-1"].shown
    for held in (named, sealed):
        assert "" == held.value
        assert held.service is not None
        item = held.service.item
        assert ("", "", "") == (item.value, item.registrable, item.value_hmac)
        assert "" == held.service.nonce
    assert named.service is not None
    assert named.service.facts is None
    assert sealed.service is not None
    assert sealed.service.facts is not None


def test_items_of_packs_that_no_supplier_knows_are_hidden(rows: dict[str, ItemRow]) -> None:
    assert {"private-05"} == {row.item for row in rows.values() if row.is_hidden}
    assert HIDDEN_VALUE == rows["private-05"].shown


def test_a_row_says_what_its_item_can_show(rows: dict[str, ItemRow]) -> None:
    assert ("real", "agreed") == (rows["private-05"].kind, rows["drug-01"].kind)
    observations = [
        *batch_of(1, web(), BLOCKED),
        *tried("page", web(), pack="pages"),
        *tried("odd", web(), pack="odd"),
        *tried("way", web(), pack="pages", stratum=f"X/{WAY}proxy"),
    ]
    packs = {"pages": PackNote(kind="content"), "odd": PackNote(kind="of a later version")}
    found = by_item(rows_of(HeldJournal(observations, header(packs=packs))))
    assert {"page": "content", "odd": "agreed", "way": "technique"} == {
        name: row.kind for name, row in found.items()
    }


def test_an_item_of_a_pack_that_is_not_on_record_is_hidden() -> None:
    observations = [*batch_of(1, web(), BLOCKED), *tried("x", web(), pack="unheard of")]
    known = HeldJournal(observations, header(packs={"open": PackNote()}))
    (row,) = rows_of(known)
    assert row.is_hidden
    (old,) = rows_of(HeldJournal(observations, header()))
    assert not old.is_hidden


def test_the_order_within_a_thousand_is_not_that_of_trial_and_stays() -> None:
    names = [f"item-{number:03}" for number in range(60)]
    observations = [*batch_of(1, web(), BLOCKED)]
    for name in names:
        observations += tried(name, web())
    held = HeldJournal(observations, header())
    first, second = rows_of(held), rows_of(held)
    assert first == second
    assert names != [row.item for row in first]
    assert names == sorted(row.item for row in first)


def test_rows_of_many_batches_are_made_one_by_one() -> None:
    read: list[int] = []

    class Watched(HeldJournal):
        def observations(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - as of the class
            for each in self._observations:
                read.append(each.batch)
                yield each

    observations = []
    for batch in range(1, 9):
        observations += batch_of(batch, web(), BLOCKED)
        for number in range(AT_ONCE // 4):
            observations += tried(f"i-{batch}-{number}", web(), batch=batch)
    rows = item_rows(Watched(observations, header()))
    next(rows)
    assert 5 == max(read)
    assert 2 * AT_ONCE - 1 == sum(1 for _ in rows)


def test_a_campaign_is_written_from_its_folder_and_again(tmp_path: Path) -> None:
    paths = CampaignPaths(out=tmp_path, campaign="c")
    written = SegmentJournal.create(paths.journal, header(packs={}).as_document())
    written.append(
        1,
        [
            *batch_of(1, web(), BLOCKED),
            *tried("drug-01", BLOCKED, evidence=(PAGE.digest,)),
            *tried("drug-02", web()),
        ],
    )
    written.close()
    EvidenceFolder(paths.evidence).keep(PAGE)
    appeal = Appeal(
        pack="canary", item="drug-02", before=("DRUG",), labels=("ALW.HEAL",), reason="",
        appellant="", upheld=True,
    )  # fmt: skip
    with open_registry(tmp_path / "registry.sqlite", create=True) as registry:
        for _ in range(2):
            with registry.transaction(is_writing=True) as connection:
                assert 2 == write_items(connection, "supplier:a", paths, [appeal])
        with registry.transaction(is_writing=True) as connection:
            assert 0 == write_items(
                connection, "supplier:a", CampaignPaths(out=tmp_path, campaign="none")
            )
            found = connection.execute(select(ITEMS).order_by(ITEMS.c.item)).all()
            assert 2 == age_out(connection, "supplier:a", "c")
            left = connection.execute(select(ITEMS.c.evidence)).scalars().all()
    assert ["drug-01", "drug-02"] == [row.item for row in found]
    assert 1 == len(decode_evidence(found[0].evidence).bodies)
    assert [None, None] == left


def test_rows_are_replaced_and_those_of_others_stay(tmp_path: Path) -> None:
    rows = rows_of(journal(is_later=True))
    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        with registry.transaction(is_writing=True) as connection:
            replace_items(connection, "supplier:a", "c", rows)
            replace_items(connection, "supplier:b", "c", rows[:3])
            replace_items(connection, "supplier:a", "c", rows[:2])
        with registry.transaction() as connection:
            found = connection.execute(select(ITEMS.c.stream)).scalars().all()
    assert ["supplier:a"] * 2 + ["supplier:b"] * 3 == sorted(found)
