"""Child-friendly sites: none may be blocked, enough must be tried, and the bound is stated."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.pack_writer import PackDetails, write_pack
from harness.model.outcome import Conformity, Outcome
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: Sites for children
policy: uk-schools-2026
requirements: [{id: OVB-02, n_min: 30}, {id: OVB-07}, {id: URL-14}, {id: URL-16}]
"""
SITES = [f"play-{number}.org" for number in range(30)]


def outcomes(folder: Path, sites: list[str], blocked: list[str]) -> dict[str, Outcome]:
    """The outcomes of a campaign of a list of sites for children, and of some harmful ones."""
    rows = [
        {
            "id": host.removesuffix(".org"),
            "value": host,
            "kind": "host",
            "registrable": host,
            "labels": code,
            "stratum": code,
            "sensitivity": "S0",
        }
        for host, code in [*((one, "ALW.CHILD") for one in sites), ("bad.org", "PORN")]
    ]
    details = PackDetails(
        name="list",
        version="1.0.0",
        title="A list",
        created="2026-11-24T00:00:00Z",
        sources=({"title": "made for a test"},),
        seed="list",
        kind="real",
        audience="sealed",
    )
    write_pack(folder / "list", rows, details)
    (folder / "scheme.yaml").write_text(SCHEME)
    block = [*blocked, "bad.org", "copper-meadow.accredit.test"]
    path = write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": block}}],
        control={"type": "simulated"},
        corpora=[{"pack": str(folder / "list")}],
        scheme="scheme.yaml",
    )
    return {one.requirement.id: one for one in rehearse(path).assessment.outcomes}


@pytest.mark.parametrize(
    ("sites", "blocked", "result"),
    [
        (SITES, [], Conformity.CONFORMS),
        (SITES, ["play-7.org"], Conformity.DOES_NOT_CONFORM),
        (SITES[:29], [], Conformity.INSUFFICIENT),
    ],
)
def test_no_site_for_children_may_be_blocked(
    tmp_path: Path, sites: list[str], blocked: list[str], result: Conformity
) -> None:
    found = outcomes(tmp_path, sites, blocked)

    assert found["OVB-02"].conformity is result
    assert found["OVB-02"].metric.value == len(blocked)
    bound = {0: "9.50%", 1: "14.86%"}[len(blocked)] if len(sites) == len(SITES) else "9.81%"
    assert f"95 % upper bound of the share blocked: {bound}" in found["OVB-02"].metric.method


def test_the_ratio_is_reported_and_what_people_judge_stays_undecided(tmp_path: Path) -> None:
    found = outcomes(tmp_path, SITES, ["play-7.org"])

    assert {found[name].conformity for name in ("OVB-07", "URL-14", "URL-16")} == {
        Conformity.INSUFFICIENT
    }
    expected = (1 - 0.011) * (1 / 30) / 0.011  # every harmful page is blocked, and 1 of 30 clean
    assert found["OVB-07"].metric.value == pytest.approx(expected)
