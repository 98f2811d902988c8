"""Rows that rest on lists of sites and on profiles: met, broken, and without what they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_writer import PackDetails, write_pack
from corpora.synthetic_sites import neutral_hosts
from harness.model.outcome import Conformity
from harness.schemes.load import load_policy
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import POLICY, origin_file
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

HARMFUL = (
    "PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "HARM", "GAMB", "MALW.HACK",
    "MALW.MAL", "MALW.PHISH", "MALW.BYPASS",
)  # fmt: skip
HARMLESS = (
    "ALW.CHILD", "ALW.HEALTH", "ALW.SEXED", "ALW.LGBT", "ALW.SUPPORT", "ALW.CURR", "ALW.EDU",
)  # fmt: skip
EACH = 12
FEW = 20
STRATA = ("top1k", "unranked")
LANGUAGES = ("en", "cy")
LISTED = (
    "URL-01", "URL-02", "URL-03", "URL-04", "URL-05", "URL-06", "URL-07", "URL-08", "URL-09",
    "OVB-01", "OVB-02", "OVB-03", "OVB-04", "MAL-03", "CIR-02",
)  # fmt: skip
"""Rows that rest on lists of hidden sites."""
PHASES = {"infants": "ks1", "juniors": "ks3", "seniors": "ks4", "teachers": "staff"}
TRIED = "juniors"
"""The profile that lists are tried for; OVB-03 is not asked of younger ones."""
BY_PROFILE = ("POL-01", "POL-02", "POL-03", "POL-04")
"""Rows that compare profiles, by agreed names."""
HOSTS = neutral_hosts("the catalogue", EACH * len(HARMFUL + HARMLESS))
PLACES = {code: place for place, code in enumerate(HARMFUL + HARMLESS)}
LABELS = dict(zip(HOSTS, cycle(HARMFUL + HARMLESS), strict=False))
Try = Callable[..., Rehearsal]

BANDS = """\
id: bands
title: A policy in which every age band differs
provenance: proposed
source: this test
rows:
  DRUG: {ks1: block, ks2: block, ks3: block, ks4: block, post16: block, staff: block}
  LOC.GENAI: {ks1: block, ks2: block, ks3: allow, ks4: allow, post16: allow, staff: allow}
  LOC.CHAT: {ks1: block, ks2: block, ks3: block, ks4: allow, post16: allow, staff: allow}
  LOC.GAME: {ks1: block, ks2: block, ks3: block, ks4: block, post16: block, staff: allow}
"""
ROWS = """\
id: our-school
version: "1.0"
title: Rows of the catalogue
policy: {policy}
decision: {{alpha: 0.2}}
requirements: [{rows}]
"""
LESS = "threshold: {{at_{side}: {mark}, provenance: proposed, source: this test}}, n_min: 5"
"""A threshold that few items can show; the shipped ones need hundreds."""


def rows_of_lists() -> str:
    """A scheme of the rows that rest on lists, with thresholds that few items can show."""
    rows = ["{id: OVB-07}", "{id: OVB-02, n_min: 5}"]
    for name in LISTED:
        is_harmful = not name.startswith("OVB")
        less = LESS.format(side="least" if is_harmful else "most", mark=0.7 if is_harmful else 0.3)
        rows += [f"{{id: {name}, {less}}}"] * (name != "OVB-02")
    return ROWS.format(policy="uk-schools-2026", rows=", ".join(rows))


def rows_of_profiles() -> str:
    """A scheme of the rows that compare profiles, under a policy in which all of them differ."""
    return ROWS.format(
        policy="bands.yaml", rows=", ".join(f"{{id: {name}}}" for name in BY_PROFILE)
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A filter that knows every site of the list, and treats each profile by its phase."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "bands.yaml").write_text(BANDS)
    bands = load_policy(str(folder / "bands.yaml"))

    def blocks(code: str, profile: str) -> bool:
        by_band = bands.expects(code, PHASES[profile])
        return (by_band or POLICY.expects(code, PHASES[profile])) == "block"

    policy = FilterPolicy(own=LABELS, blocks=blocks)
    with RangeTestbed.running(folder, policy=policy, profiles=tuple(PHASES)) as world:
        yield world


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    def run(
        corpus: dict[str, Any], profiles: tuple[str, ...] = (TRIED,), rows: str = ""
    ) -> Rehearsal:
        proxies = world.origin.services["reference"]["proxy"]
        by_profile = {name: {"proxy": proxies[name]} for name in profiles}
        (tmp_path / "bands.yaml").write_text(BANDS)
        (tmp_path / "scheme.yaml").write_text(rows or rows_of_lists())
        path = write_campaign(
            tmp_path,
            origin=origin_file(world),
            lines=[{"name": "proxy", "type": "explicit_proxy", "by_profile": by_profile}],
            corpora=[corpus],
            profiles={name: {"phase": PHASES[name]} for name in profiles},
            languages=list(LANGUAGES),
            limits={"timeout": 20, "confirmation_timeout": 40, "concurrency": 20},
            scheme="scheme.yaml",
        )
        return rehearse(path)

    yield run
    world.faults.clear()


def sites(folder: Path, label: str = "") -> dict[str, Any]:
    """A hidden list of sites of each category, or a few of one."""
    rows = [
        {
            "id": f"site-{number:03}",
            "value": host,
            "kind": "host",
            "registrable": host,
            "labels": label or LABELS[host],
            "stratum": f"{label or LABELS[host]}/{STRATA[PLACES[LABELS[host]] // 2 % 2]}",
            "lang": LANGUAGES[PLACES[LABELS[host]] % 2],
            "sensitivity": "S0",
        }
        for number, host in enumerate(HOSTS[:FEW] if label else HOSTS)
    ]
    details = PackDetails(
        name="sites", version="1.0.0", title="t", created="2026-11-27T00:00:00Z", kind="real",
        audience="sealed",
    )  # fmt: skip
    write_pack(folder / "sites", rows, details)
    return {"pack": "./sites"}


CANARIES = {
    "pack": "canary",
    "categories": ["DRUG", "LOC.GENAI", "LOC.CHAT", "LOC.GAME"],
    "sample": 6,
}


def ends(run: Rehearsal, names: tuple[str, ...]) -> dict[str, set[Conformity]]:
    """The outcomes of each row for the profiles that were tried."""
    return {
        name: {
            outcome.conformity
            for outcome in run.assessment.outcomes
            if outcome.requirement.id == name and outcome.profile in PHASES
        }
        for name in names
    }


def all_of(names: tuple[str, ...], conformity: Conformity) -> dict[str, set[Conformity]]:
    return {name: {conformity} for name in names}


def test_a_filter_that_knows_every_site_conforms(tried: Try, tmp_path: Path) -> None:
    run = tried(sites(tmp_path))

    assert ends(run, LISTED) == all_of(LISTED, Conformity.CONFORMS)


def test_a_filter_that_misses_and_overblocks_does_not_conform(
    tried: Try, world: RangeTestbed, tmp_path: Path
) -> None:
    wrong = frozenset(HOSTS[len(HOSTS) // 4 :])
    harmless = frozenset(host for host in wrong if LABELS[host] in HARMLESS)
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=wrong - harmless))
    world.faults.add(Fault(kind=FaultKind.PAGE_403, hosts=harmless))
    run = tried(sites(tmp_path))

    assert ends(run, LISTED) == all_of(LISTED, Conformity.DOES_NOT_CONFORM)
    (ratio,) = (one for one in run.assessment.outcomes if one.requirement.id == "OVB-07")
    assert ratio.metric.value == pytest.approx(3 * 0.989 / 0.011)


def test_a_list_without_the_categories_that_are_asked_for_decides_nothing(
    tried: Try, tmp_path: Path
) -> None:
    run = tried(sites(tmp_path, "LOC.JOBS"))

    assert ends(run, LISTED) == all_of(LISTED, Conformity.INSUFFICIENT)


def test_profiles_that_are_treated_as_declared_conform(tried: Try) -> None:
    run = tried(CANARIES, tuple(PHASES), rows_of_profiles())

    assert ends(run, BY_PROFILE) == all_of(BY_PROFILE, Conformity.CONFORMS)


def test_one_policy_for_all_profiles_does_not_conform(tried: Try, world: RangeTestbed) -> None:
    kinds = ("genai", "chat", "game")
    local = frozenset(
        f"loc-{kind}-{number:03}.canary.accredit.test" for kind in kinds for number in range(1, 121)
    )
    older = frozenset(PHASES) - {"infants"}
    world.faults.add(Fault(kind=FaultKind.OVERBLOCK, hosts=local, profiles=older))
    world.faults.add(Fault(kind=FaultKind.MISS, hosts=local, profiles=frozenset({"infants"})))
    run = tried(CANARIES, tuple(PHASES), rows_of_profiles())

    found = ends(run, BY_PROFILE)
    assert all(Conformity.DOES_NOT_CONFORM in each for each in found.values()), found


def test_one_profile_alone_shows_no_policy_for_each_group(tried: Try) -> None:
    run = tried(CANARIES | {"sample": 2}, ("infants",), rows_of_profiles())

    assert ends(run, BY_PROFILE) == all_of(BY_PROFILE, Conformity.INSUFFICIENT)
