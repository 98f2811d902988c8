"""Forms that a later version adds leave the hosts of every pack that an origin has written."""

from __future__ import annotations

import pytest

from corpora import content_pages as module
from corpora.content_pages import ADDED, CONTENT_PACK, PAGES_OF_DISGUISE, content_pages
from corpora.origin_pack import OriginPages
from corpora.origin_packs import all_pages
from harness.model.content_form import FORMS, form_of

SEED = "secret"


@pytest.fixture(scope="module")
def made() -> dict[str, OriginPages]:
    return all_pages(SEED)


def test_without_them_all_other_pages_are_the_same(
    made: dict[str, OriginPages], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_added(row: dict[str, str]) -> bool:
        form = form_of(row["stratum"])
        return form is not None and form.name in ADDED

    added = [row for row in made[CONTENT_PACK.name].rows if is_added(row)]
    others = [row for row in made[CONTENT_PACK.name].rows if not is_added(row)]
    monkeypatch.setattr(module, "FORMS", {name: FORMS[name] for name in FORMS if name not in ADDED})
    monkeypatch.setattr(module, "ADDED", ())
    before = all_pages(SEED)

    assert list(before[CONTENT_PACK.name].rows) == others
    assert len(added) == 2 * PAGES_OF_DISGUISE * len(ADDED)
    for name in before.keys() - {CONTENT_PACK.name}:
        assert before[name] == made[name], name


def test_a_form_that_is_added_last_leaves_the_hosts_of_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = content_pages(SEED)
    monkeypatch.setattr(module, "ADDED", ADDED[:-1])
    monkeypatch.setattr(module, "FORMS", {name: FORMS[name] for name in FORMS if name != ADDED[-1]})
    before = content_pages(SEED)

    assert before.rows == now.rows[: len(before.rows)]
    assert len(now.rows) - len(before.rows) == 2 * PAGES_OF_DISGUISE


def test_no_two_packs_share_a_host(made: dict[str, OriginPages]) -> None:
    hosts = [host for pages in made.values() for host in pages.texts]

    assert len(hosts) == len(set(hosts))


def test_added_forms_are_known_and_no_requirement_wants_them() -> None:
    """A campaign with a pack of an earlier version would lack them."""
    assert set(ADDED) <= FORMS.keys()
    assert list(FORMS)[-len(ADDED) :] == list(ADDED)
    assert "ordinary" not in {FORMS[name].family for name in ADDED}
