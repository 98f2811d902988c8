"""Every measurable requirement can be met with the shipped packs and the stated lists."""

from __future__ import annotations

from collections import Counter

import pytest

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.assess.outcomes import assess
from harness.campaign.assemble import Prepared
from harness.cli.compose import prepare
from harness.cli.content_packs import PACK_NAMES, write_content_packs
from harness.cli.item_supply import group_items
from harness.cli.line_supply import LineProfile
from harness.cli.measure import header_of
from harness.cli.undecidable import Undecidable, undecidable
from harness.estimate.estimate import estimate
from harness.model.campaign import PHASES
from harness.model.corpus import Item
from harness.model.later_evidence import later_evidence
from harness.model.metric_spec import spec_of
from harness.model.observation import AttemptKey
from harness.model.outcome import Conformity
from harness.model.scheme import Scheme
from harness.model.verdict import State, Verdict
from harness.plugins import PROBES
from harness.schemes.load import load_scheme, shipped
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign

PACKS = ("canary", "education-uk", "overblock", "school-pages", "circumvention", "tls-checks")
LISTED = 500
"""The list that ``avc-parental`` says it needs."""
SIZES = {"PORN": LISTED, "ALW.CURR": 919, "ALW.EDU": 919} | dict.fromkeys(
    ("ADLT", "VIOL", "DRUG", "GAMB"), 60
)
"""An imported list of real sites, by category."""


@pytest.fixture(scope="module")
def packed() -> list[Item]:
    return [item for name in PACKS for item in open_pack(name).items()]


@pytest.fixture(scope="module")
def of_origin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Item]]:
    """The items of an origin's own packs, by their kind."""
    folder = tmp_path_factory.mktemp("origin")
    write_content_packs(folder, "s")
    found: dict[str, list[Item]] = {"agreed": [], "content": []}
    for name in PACK_NAMES:
        pack = open_pack(str(folder / name))
        found[pack.reference.kind] += pack.items()
    return found


def imported(scheme: Scheme) -> list[Item]:
    """A list of the size that each requirement states, of each category that it names."""
    found = {}
    for one in scheme.requirements:
        for code in one.measure.categories if one.needs_list else ():
            for number in range(one.list_size):
                host = f"{code.lower()}-{number}.example.org"
                found[host] = Item(id=host, value=host, labels=(code,), registrable=host)
    return list(found.values())


@pytest.mark.parametrize("name", shipped())
def test_every_measurable_requirement_can_be_decided(
    name: str, packed: list[Item], of_origin: dict[str, list[Item]]
) -> None:
    scheme = load_scheme(name)
    specs = {one.id: spec_of(one.measure.metric) for one in scheme.requirements}
    names = {one for one, spec in specs.items() if spec.needs_probe == "dns_queries"}
    content = {one.id for one in scheme.requirements if one.rests_on == "content"}
    listed = [*packed, *of_origin["agreed"], *imported(scheme)]
    on_pages = [*packed, *of_origin["content"]]

    rest = {one.id for one in scheme.requirements} - content - names
    found = [*undecided(scheme, listed, rest), *undecided(scheme, on_pages, content | names)]

    measured = [one for one in found if later_evidence(specs[one.requirement]) is None]
    assert [] == [one for one in measured if specs[one.requirement].is_implemented]
    assert not [
        one for one in found if one.why == "Accredit cannot measure this yet" and one.remedy
    ]


def undecided(scheme: Scheme, items: list[Item], ids: set[str]) -> tuple[Undecidable, ...]:
    """Which of these requirements cannot be decided with these items, for any school phase."""
    asked = tuple(one for one in scheme.requirements if one.id in ids)
    if not asked:
        return ()
    web = ("web", "web_https", "web_markup", "web_accessibility")
    names = (
        *web,
        "web_ipv6",
        "web_transitions",
        "web_h3",
        "dns",
        "dns_aaaa",
        "dns_queries",
        "techniques",
        "tls_checks",
        "download",
        "upload",
        "protocols",
        "tls_checks",
    )
    probes = {probe: PROBES.find(probe)() for probe in names}
    supply = group_items(items, probes)
    frames = Counter(item.category for item in items)
    places = [
        LineProfile(
            line="line",
            profile=phase,
            phase=phase,
            phases=frozenset(PHASES),
            supply=supply,
            frames=frames,
            twins=299,
        )
        for phase in PHASES
    ]
    return undecidable(scheme.model_copy(update={"requirements": asked}), places)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A campaign of the pages that schools need, and of an imported list of sites."""
    home = tmp_path_factory.mktemp("decides")
    rows = [
        {
            "id": f"{code.lower().replace('.', '-')}-{number}",
            "value": f"{code.lower().replace('.', '-')}-{number}.org",
            "kind": "host",
            "registrable": f"{code.lower().replace('.', '-')}-{number}.org",
            "labels": code,
            "stratum": code,
            "sensitivity": "S0",
        }
        for code, size in SIZES.items()
        for number in range(size)
    ]
    write_pack(home / "list", rows, details())
    return prepare(
        write_campaign(
            home,
            origin=simulated_origin(home),
            lines=[{"name": "proxy", "type": "simulated"}],
            control={"type": "simulated"},
            profiles={"pupils": {"phase": "ks3"}},
            corpora=[{"pack": "school-pages"}, {"pack": "./list"}],
        )
    )


@pytest.fixture(scope="module")
def faultless(prepared: Prepared) -> MemoryFold:
    """The verdicts of a service that blocks what is harmful, and nothing else."""
    return MemoryFold(
        Verdict(
            key=AttemptKey(
                campaign="decides", item=item.id, probe="web", line="proxy", profile="pupils"
            ),
            item=item,
            state=State.ALLOWED if item.category.startswith("ALW") else State.BLOCKED,
            rule="r",
            rules_version="1",
        )
        for item in prepared.items
    )


def details() -> PackDetails:
    return PackDetails(
        name="list",
        version="1.0.0",
        title="A list",
        created="2026-11-24T00:00:00Z",
        sources=({"title": "made for a test"},),
        seed="list",
        kind="real",
        audience="sealed",
    )


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("avc-parental", {"URL-07", "OVB-02"}),
        ("uksic-current", {"OVB-01", "OVB-03"}),
        ("dfe-current", {"OVB-03", "OVB-04"}),
        ("strict", {"OVB-01", "OVB-02", "OVB-03", "OVB-04"}),
        ("amt-awards", {"AMT-01", "AMT-03", "AMT-05"}),
    ],
)
def test_a_faultless_service_conforms_in_requirements_with_an_imported_list(
    prepared: Prepared, faultless: MemoryFold, name: str, requirements: set[str]
) -> None:
    scheme, header = load_scheme(name), header_of(prepared)
    found = estimate(
        faultless, scheme, {"pupils": "ks3"}, packs=header.packs, frames=header.frames
    ).measurements
    outcomes = assess(found, scheme.decision)
    conform = {one.requirement.id for one in outcomes if one.conformity is Conformity.CONFORMS}

    assert requirements <= conform, [
        (one.id, one.reasons) for one in outcomes if one.requirement.id in requirements
    ]
