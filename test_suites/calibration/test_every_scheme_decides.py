"""Every measurable requirement can be met with the shipped packs and the stated lists."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.campaign.origin_file import write_origin
from harness.cli.conclude import conclude_journal
from harness.cli.content_packs import PACK_NAMES, write_content_packs
from harness.cli.item_supply import group_items
from harness.cli.line_supply import LineProfile
from harness.cli.undecidable import Undecidable, undecidable
from harness.model.campaign import PHASES
from harness.model.corpus import Item
from harness.model.later_evidence import later_evidence
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity
from harness.model.scheme import Scheme
from harness.plugins import PROBES
from harness.ports.network import Origin
from harness.schemes.load import load_scheme, shipped
from test_suites.rehearsal import QUICK, rehearse

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

    found = [one for one in undecided(scheme, listed) if one.requirement not in content | names]
    found += [one for one in undecided(scheme, on_pages) if one.requirement in content | names]

    measured = [one for one in found if later_evidence(specs[one.requirement]) is None]
    assert [] == [one for one in measured if specs[one.requirement].is_implemented]
    assert not [
        one for one in found if one.why == "Accredit cannot measure this yet" and one.remedy
    ]


def undecided(scheme: Scheme, items: list[Item]) -> tuple[Undecidable, ...]:
    """What cannot be decided with these items, for any school phase."""
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
    return undecidable(scheme, places)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A faultless service, the pages that schools need, and an imported list of 500 sites."""
    home = tmp_path_factory.mktemp("decides")
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a.pem", key=b"k" * 32
    )
    write_origin(origin, home / "origin.json")
    sites = {
        f"{code.lower().replace('.', '-')}-{number}.org": code
        for code, size in SIZES.items()
        for number in range(size)
    }
    hosts = [host for host, code in sites.items() if not code.startswith("ALW")]
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
        for host, code in sites.items()
    ]
    write_pack(home / "list", rows, details())
    block = [*hosts, "copper-meadow.accredit.test"]
    campaign: dict[str, Any] = {
        "campaign": "decides",
        "service": {"name": "a faultless service"},
        "origin": "origin.json",
        "lines": [{"name": "proxy", "type": "simulated", "options": {"block": block}}],
        "control": {"type": "simulated"},
        "profiles": {"pupils": {"phase": "ks3"}},
        "corpora": [{"pack": "school-pages"}, {"pack": "./list"}],
        "limits": QUICK,
        "plain_twins": {"pause": 0},
    }
    with (home / "campaign.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(campaign, file)
    return rehearse(home / "campaign.yaml").journal


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


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("scheme", "requirements"),
    [
        ("avc-parental", {"URL-07", "OVB-02"}),
        ("uksic-current", {"OVB-01", "OVB-03"}),
        ("dfe-current", {"OVB-03", "OVB-04"}),
        ("strict", {"OVB-01", "OVB-02", "OVB-03", "OVB-04"}),
        ("amt-awards", {"AMT-01", "AMT-03", "AMT-05"}),
    ],
)
def test_a_faultless_service_conforms_in_requirements_with_an_imported_list(
    journal: Path, scheme: str, requirements: set[str]
) -> None:
    assessment = conclude_journal(journal, scheme)[0]
    conform = {
        one.requirement.id for one in assessment.outcomes if one.conformity is Conformity.CONFORMS
    }

    assert requirements <= conform, [
        (one.id, one.reasons) for one in assessment.outcomes if one.requirement.id in requirements
    ]
