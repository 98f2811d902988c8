"""No scheme asks for fewer items than can decide, at its own alpha."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import FaultyDocument
from harness.model.scheme import Scheme
from harness.model.smallest_sample import smallest_sample
from harness.schemes.load import load_scheme, shipped

OWN = """\
id: own
version: "1"
title: Our own
policy: uk-schools-2026
requirements:
  - id: URL-07
    threshold: {at_least: 0.98, provenance: proposed, source: ourselves}
    n_min: 148
"""
CHILD = """\
id: child
version: "1"
title: A stricter one
parent: becta-2008
decision:
  alpha: 0.01
"""


def load(tmp_path: Path, text: str) -> Scheme:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return load_scheme(str(path))


def told(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(FaultyDocument) as caught:
        load(tmp_path, text)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_requirement_can_be_decided_at_its_own_alpha(name: str) -> None:
    scheme = load_scheme(name)

    for one in scheme.requirements:
        alpha = one.alpha or scheme.decision.alpha
        smallest = smallest_sample(one, alpha)
        assert smallest is not None, one.id
        assert one.n_min >= smallest, one.id
        assert one.needs_list is None or one.list_size >= smallest, one.id


def test_too_small_an_n_min_is_refused_with_the_number_that_will_do(tmp_path: Path) -> None:
    assert told(tmp_path, OWN) == [
        (
            "own.yaml:8: requirements[0].n_min: 148 is too few for URL-07: at alpha 0.05 even a "
            "faultless service conforms only with 149 or more; write n_min: 149"
        )
    ]
    assert 149 == load(tmp_path, OWN.replace("148", "149")).requirements[0].n_min


def test_what_is_inherited_is_raised_to_the_smallest(tmp_path: Path) -> None:
    text = OWN.replace("    n_min: 148\n", "").replace("URL-07", "URL-01")
    sizes = {one.id: one.n_min for one in load(tmp_path, CHILD).requirements}

    assert 149 == load(tmp_path, text).requirements[0].n_min
    assert (44, 44, 90, 90) == tuple(
        sizes[code] for code in ("URL-01", "URL-05", "OVB-01", "PRF-03")
    )
    assert 1 == sizes["ILL-01"]


def test_where_nobody_states_a_number_it_is_the_smallest(tmp_path: Path) -> None:
    text = OWN.replace("URL-07", "NEW-01").replace("    n_min: 148\n", "") + (
        "    title: t\n    area: url\n    severity: Maj\n    rule: guarded\n"
        "    measure: {metric: block_rate, categories: [PORN], expectation: block}\n"
    )

    assert 149 == load(tmp_path, text).requirements[0].n_min
    stricter = text.replace("policy:", "decision: {alpha: 0.01}\npolicy:")
    assert 228 == load(tmp_path, stricter).requirements[0].n_min
    again = "id: again\nversion: '1'\ntitle: t\nparent: own.yaml\ndecision: {alpha: 0.01}\n"
    (tmp_path / "again.yaml").write_text(again)
    load(tmp_path, text)
    assert 228 == load_scheme(str(tmp_path / "again.yaml")).requirements[0].n_min


def test_what_no_sample_can_show_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, OWN.replace("at_least: 0.98", "at_least: 1")) == [
        (
            "own.yaml:7: requirements[0].threshold: no number of items can show the threshold of "
            "URL-07 under rule guarded; write rule: census, or a threshold below 1 (at_most: above 0)"
        )
    ]


def test_a_needed_list_is_long_enough(tmp_path: Path) -> None:
    text = OWN.replace("148", "149") + "    needs_list: {kind: real, domains: 148}\n"

    assert told(tmp_path, text) == [
        (
            "own.yaml:9: requirements[0].needs_list.domains: a list of 148 domains is too short for "
            "URL-07, which needs 149; write 149 or more"
        )
    ]
    row = load(tmp_path, text.replace("domains: 148", "domains: 400")).requirements[0]
    assert 400 == row.list_size
    assert 149 == load(tmp_path, text.replace(", domains: 148", "")).requirements[0].list_size
