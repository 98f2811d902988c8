"""Somebody who draws until the services suit is refused, or found by verifying."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from harness.cli import field as field_verbs
from harness.cli.field import _faults_of
from harness.cli.field_records import frame_of
from harness.cli.registry_session import open_session, place_of
from harness.model.event import ClockCorrected
from harness.model.field_event import FieldDrawn, FieldSeedCommitted, StreamPart
from harness.model.registry_record import Site
from harness.monitor.field_draw import digest_of_frame, digest_of_seed, draw
from test_suites.unit.harness.cli.field_owner import (
    PERIOD,
    SUPPLIERS,
    FieldOwner,
)


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FieldOwner:
    return FieldOwner(tmp_path, monkeypatch)


def test_nobody_commits_twice_for_a_year(owner: FieldOwner) -> None:
    owner.commit()
    other = ("--period", PERIOD, "--file", str(owner.folder / "other.json"))

    assert "a seed of 2026 was committed to already" in owner.refused("commit", *other)
    assert not (owner.folder / "other.json").exists()
    assert len(list((owner.out / "field-seeds").iterdir())) == 1
    owner.wait(days=1)
    owner.run("draw", "--period", PERIOD)
    assert "were drawn already" in owner.refused("commit", *other)
    assert "were drawn already" in owner.refused("draw", "--period", PERIOD)


def test_of_two_who_commit_at_once_one_is_refused_and_keeps_no_seed(
    owner: FieldOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.commit()
    monkeypatch.setattr(field_verbs, "_require_possible", lambda *_: None)  # as it was before

    file = owner.folder / "other.json"
    said = owner.refused("commit", "--period", PERIOD, "--file", str(file))

    assert "was committed to already" in said
    assert not file.exists()
    assert len(list((owner.out / "field-seeds").iterdir())) == 1


def test_a_commitment_past_the_command_is_found(owner: FieldOwner) -> None:
    owner.draw()
    second = FieldSeedCommitted(
        at=owner.clock.at, actor="Di", period=PERIOD, commitment=digest_of_seed("better")
    )
    owner.forge(second)

    assert "2026: field-seed-committed of" in owner.run("verify", code=1)


def test_a_published_commitment_shows_a_registry_that_was_begun_again(owner: FieldOwner) -> None:
    owner.commit()
    published = owner.public.read_text()
    owner.public.write_text(published.replace('"sites": 10', '"sites": 11'))

    assert "another sites than the published" in owner.run(
        "verify", "--file", str(owner.public), code=1
    )
    owner.public.write_text(published.replace('"period": "2026"', '"period": "2027"'))
    assert "the registry holds no commitment; one was published" in owner.run(
        "verify", "--file", str(owner.public), code=1
    )


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "accredit-commitment/1"}', "\udcff"])
def test_a_file_that_is_no_commitment_is_refused(owner: FieldOwner, text: str) -> None:
    owner.public.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert "not a commitment" in owner.refused("verify", "--file", str(owner.public))


def test_a_seed_that_does_not_fit_draws_nothing(owner: FieldOwner) -> None:
    assert "no seed of 2026 was committed to" in owner.refused("draw", "--period", PERIOD)
    owner.commit()
    (kept,) = (owner.out / "field-seeds").iterdir()
    other = owner.folder / "seed"
    other.write_text("f" * 64)

    assert "not the seed of 2026" in owner.refused("draw", "--period", PERIOD, "--seed", str(other))
    kept.rename(owner.folder / "copy")
    assert str(kept) in owner.refused("draw", "--period", PERIOD)
    owner.run("draw", "--period", PERIOD, "--seed", str(owner.folder / "copy"))


def test_a_draw_waits_for_its_year_and_for_a_certificate(owner: FieldOwner) -> None:
    file = owner.folder / "next.json"
    owner.run("commit", "--period", "2027", "--file", str(file))
    assert "drawn in that year" in owner.refused("draw", "--period", "2027")
    assert "2025 is over" in owner.refused(
        "commit", "--period", "2025", "--file", str(owner.folder / "o.json")
    )
    owner.commit()
    for supplier in SUPPLIERS:
        owner.revoke(supplier)
    assert "no certificate is valid now" in owner.refused("draw", "--period", PERIOD)


def redrawn(owner: FieldOwner, honest: FieldDrawn, leave: str) -> FieldDrawn:
    """The draw that leaves out a supplier, with a digest and numbers that fit each other."""
    with open_session(owner.registry) as session:
        services = [s for s in frame_of(session, honest).services if s.supplier != leave]
    return msgspec.structs.replace(
        honest,
        frame=digest_of_frame(services),
        certificates=len(services),
        services=draw(services, honest.seed, 0.02, 10),
        streams=tuple(part for part in honest.streams if leave.lower() not in part.stream),
    )


def faults_of(owner: FieldOwner, forged: FieldDrawn) -> str:
    """What verifying says of a draw that was made past the command."""
    committed = owner.events()[0]
    with open_session(owner.registry) as session:
        return "; ".join(_faults_of(session, (committed, forged), forged))


def test_whoever_leaves_a_supplier_out_is_found(owner: FieldOwner) -> None:
    forged = redrawn(owner, owner.draw(), "Beta")

    assert "it leaves out event 1 of Beta" in faults_of(owner, forged)


def test_whoever_uses_a_part_of_a_stream_alone_is_found(owner: FieldOwner) -> None:
    honest = owner.draw()
    short = tuple(
        StreamPart(stream=each.stream, events=each.events - ("beta" in each.stream))
        for each in honest.streams
    )
    forged = msgspec.structs.replace(redrawn(owner, honest, "Beta"), streams=short)

    said = faults_of(owner, forged)

    assert "it leaves out event" in said
    assert "of Beta (certificate-issued), which is dated 2026-03-02 09:00 UTC" in said
    assert ";" not in said


def test_whoever_uses_what_came_after_the_draw_is_found(owner: FieldOwner) -> None:
    honest = owner.draw()
    owner.wait(days=1)
    owner.made.record("Beta", owner.made.added(Site(id="a friendly school")))
    long = tuple(
        StreamPart(stream=each.stream, events=each.events + ("beta" in each.stream))
        for each in honest.streams
    )
    forged = msgspec.structs.replace(honest, streams=long)

    said = faults_of(owner, forged)

    assert "of Beta, which is dated after the draw" in said
    missing = (*honest.streams, StreamPart(stream="supplier:none", events=1))
    forged = msgspec.structs.replace(honest, streams=missing)
    assert "not in the registry: supplier:none" in faults_of(owner, forged)
    beyond = tuple(StreamPart(stream=each.stream, events=999) for each in honest.streams)
    forged = msgspec.structs.replace(honest, streams=beyond)
    assert "it used 999 events of Acme" in faults_of(owner, forged)


def test_a_draw_on_record_that_does_not_fit_ends_verifying_with_1(owner: FieldOwner) -> None:
    owner.commit()
    committed = owner.events()[0]
    assert isinstance(committed, FieldSeedCommitted)
    (kept,) = (owner.out / "field-seeds").iterdir()
    owner.wait(days=1)
    owner.forge(
        FieldDrawn(
            at=owner.clock.at, actor="Di", period=PERIOD, seed=kept.read_text().strip(),
            frame="0" * 64, certificates=1, services=(), streams=(),
        )
    )  # fmt: skip

    said = owner.run("verify", code=1)

    assert "it leaves out event 1 of Acme" in said
    assert "it says 1 certificates; 0 were valid" in said


def test_the_public_file_is_checked_before_anything_is_recorded(owner: FieldOwner) -> None:
    owner.public.write_text("mine")
    words = ("commit", "--period", PERIOD, "--file")

    assert "exists already" in owner.refused(*words, str(owner.public))
    assert "its folder is missing" in owner.refused(*words, str(owner.folder / "no/c.json"))
    assert not owner.out.exists()


def test_a_clock_that_is_behind_the_registry_draws_nothing(owner: FieldOwner) -> None:
    owner.commit()
    owner.clock.at -= timedelta(days=1)

    assert "check the clock" in owner.refused("draw", "--period", PERIOD)


def test_site_records_that_are_closed_are_not_drawn(owner: FieldOwner) -> None:
    for number in range(1, 12):
        for supplier in SUPPLIERS:
            owner.close(supplier, f"site:{supplier.lower()} school {number}")

    (one,) = owner.draw().services

    assert one.sites == (f"{one.supplier} School 12",)


def test_the_stream_of_a_supplier_holds_no_field_event(owner: FieldOwner) -> None:
    owner.draw()
    with open_session(owner.registry) as session:
        for supplier in SUPPLIERS:
            with session.registry.reading(place_of(supplier).stream) as access:
                assert not access.found(kind=["field-drawn", "field-seed-committed"])


def wrong_clock(owner: FieldOwner, days: int) -> None:
    """A site of Beta is recorded with a clock that is days ahead, which is corrected then."""
    right = owner.clock.at
    owner.wait(days=days)
    owner.made.record("Beta", owner.made.added(Site(id=f"Beta Annexe {days}")))
    owner.clock.at = right
    owner.made.record("Beta", ClockCorrected(at=right, actor="Ann", reason="set wrongly"))


def test_a_clock_that_was_corrected_accuses_nobody(owner: FieldOwner) -> None:
    wrong_clock(owner, 30)
    owner.draw()
    owner.wait(days=1)
    wrong_clock(owner, 40)
    owner.run("verify")
