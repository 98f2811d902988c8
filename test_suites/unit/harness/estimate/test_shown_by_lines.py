"""What a service shows of itself at the sentinels, beside what the control shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.estimate.shown_by_lines import LONGEST, MOST, shown_by_lines
from harness.model.facts import Certificate, WebFacts
from harness.model.observation import Observation
from harness.store.journal.reader import JournalReader
from test_suites.kit.campaigns.held import unpacked


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Observation, ...]:
    folder = tmp_path_factory.mktemp("shown")
    return tuple(JournalReader(unpacked("products", folder)).sentinels())


def test_a_product_names_itself_and_the_control_does_not(seen: tuple[Observation, ...]) -> None:
    assert shown_by_lines(seen) == {
        "shown by line proxy": "server=squid/# via=#_filter.school.example_(squid/#)"
    }


def replaced(seen: tuple[Observation, ...], **changes: object) -> Iterator[Observation]:
    """The same attempts, where facts on the service's line say something else."""
    for one in seen:
        if one.key.line == "control" or not isinstance(one.facts, WebFacts):
            yield one
        else:
            yield msgspec.structs.replace(one, facts=msgspec.structs.replace(one.facts, **changes))


def test_a_certificate_of_an_interceptor_is_a_mark(seen: tuple[Observation, ...]) -> None:
    own = Certificate(chain=("a", "b"), issuer="CN=Acme Filter 7 CA")
    (marks,) = shown_by_lines(replaced(seen, headers=(), certificate=own)).values()

    assert marks == "issuer=CN=Acme_Filter_#_CA"


def test_what_a_service_writes_is_cut_and_has_no_spaces(seen: tuple[Observation, ...]) -> None:
    headers = tuple(("via", f"\x1b[31m evil\u202e {'x' * 500}{chr(97 + n)} y") for n in range(20))
    (marks,) = shown_by_lines(replaced(seen, headers=headers, certificate=None)).values()

    assert all(len(mark) <= LONGEST and mark.isascii() for mark in marks.split())
    assert 1 <= len(marks.split()) <= MOST


def test_an_imported_journal_shows_nothing(tmp_path: Path) -> None:
    assert shown_by_lines(JournalReader(unpacked("imported", tmp_path)).sentinels()) == {}
