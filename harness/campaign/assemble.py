"""Prepare a campaign: read its file, find plug-ins by name, build lines, probes and corpora.

All faults of a campaign file are found here, before a packet is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.campaign.campaign_lines import Lines, build_lines, collect_faults, fault_at
from harness.campaign.crossover import half_of, with_swapped_connections
from harness.campaign.item_selection import (
    SelectedItems,
    check_stopping_plans,
    items_without_probe,
    select_campaign_items,
)
from harness.campaign.list_program import list_program_of
from harness.campaign.origin_file import read_origin
from harness.campaign.own_hosts import on_own_hosts, require_served, with_own_sentinels
from harness.errors import Fault, FaultyDocument, known
from harness.model.batch import Half
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.observation import CONTROL
from harness.model.plain_twin import PlainTwins
from harness.model.sealed_list import SealedList
from harness.model.service_declaration import Service
from harness.plugins import PROBES
from harness.ports.corpora import Corpus, CorpusOpener
from harness.ports.list_program import ListProgram
from harness.ports.network import (
    Guarded,
    Line,
    NeedsPrograms,
    Origin,
    Probe,
    PupilClient,
    SecondClient,
)
from harness.schemes.load import load_scheme, resolve
from harness.yaml_reader import Document, KeyPath, read_document, validate


def declare_private_hosts(service: Service, lines: Mapping[tuple[str, str], Line]) -> None:
    """Tell lines (by name and profile) the host of the block page, and which line is the control.

    A block page at a private address is only fetched over the service.
    """
    page = service.block_page.host if service.block_page is not None else ""
    for (name, profile), line in lines.items():
        control = lines.get((CONTROL, profile))
        if name != CONTROL and control is not None and isinstance(line, Guarded):
            line.declare(page, control)


def twin_lines(
    lines: Mapping[tuple[str, str], Line], declared: PlainTwins, client: PupilClient
) -> Lines:
    """Return the lines that a pupil's browser can use, by name and profile; empty if unwanted."""
    if not declared.number:
        return {}
    made: dict[int, Line | None] = {}
    for line in lines.values():
        if id(line) not in made:
            made[id(line)] = client.line_for(line, declared.source)
    found = {place: made[id(line)] for place, line in lines.items()}
    return {place: line for place, line in found.items() if line is not None}


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDependencies:
    """What a campaign needs from packages that are not imported here.

    ``judged_facts`` are the kinds of facts that there are rules of judgement for. ``list_program``
    makes a sealed list program of its declaration and the folder of the campaign file.
    """

    open_pack: CorpusOpener
    judged_facts: frozenset[str]
    second_client: SecondClient
    pupil: PupilClient
    list_program: Callable[[SealedList, Path], ListProgram]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A campaign that was checked, with everything that it is measured with.

    ``further_lines`` are those of ``availability_lines``.
    """

    path: Path
    campaign: Campaign
    items: SelectedItems
    frames: dict[str, int]
    corpora: tuple[Corpus, ...]
    origin: Origin | None
    probes: dict[str, Probe]
    lines: Lines
    half: Half
    dependencies: CampaignDependencies
    only_undecided: bool = False
    list_program: ListProgram | None = None
    further_lines: Lines = field(default_factory=dict)

    def with_availability_lines(self) -> Prepared:
        """The same with the lines of which only availability is asked among its lines."""
        lines = (*self.campaign.lines, *self.campaign.availability_lines)
        return replace(
            self,
            campaign=self.campaign.model_copy(update={"lines": lines}),
            lines={**self.lines, **self.further_lines},
        )


def read_campaign(path: Path) -> tuple[Campaign, Document]:
    """Read a campaign file. Raises FaultyDocument, UsageError."""
    document = read_document(path)
    return validate(document, Campaign), document


def prepare(
    path: Path,
    campaign: Campaign | None = None,
    checked: Collection[str] = (),
    lane: str | None = None,
    *,
    dependencies: CampaignDependencies,
    swapped: bool = False,
) -> Prepared:
    """Check and build the campaign at ``path``, or ``campaign``, which is derived from it.

    ``checked`` are packs whose rows a journal has checked already. ``lane`` replaces that of each
    line with lanes. ``swapped``: a crossover's cables are swapped. Raises FaultyDocument.
    """
    declared, document = read_campaign(path)
    campaign = _with_scheme(path, campaign or declared)
    faults: list[Fault] = []
    origin = collect_faults(faults, document, ("origin",), partial(_origin, path, campaign))
    campaign = with_own_sentinels(campaign, origin) if origin else campaign
    collect_faults(faults, document, ("scheme",), partial(load_scheme, campaign.scheme))
    halved = partial(half_of, campaign, swapped=swapped)
    half = collect_faults(faults, document, ("crossover",), halved) or "all"
    probes = _probes(campaign, document, faults)
    wired = with_swapped_connections(campaign) if half == "swapped" else campaign
    lines = build_lines(wired, document, faults, origin, lane)
    declare_private_hosts(campaign.service, lines)
    open_pack = _on_own_hosts(dependencies.open_pack, origin)
    corpora, items = _corpora(path, campaign, document, faults, checked, open_pack)
    _check_items(campaign, document, faults, probes, items)
    _check_facts(document, faults, probes, dependencies.judged_facts)
    _check_ways(campaign, document, faults, probes, lines)
    asked = partial(list_program_of, path, campaign, origin, probes, dependencies.list_program)
    program = collect_faults(faults, document, ("sealed_list",), asked)
    if faults:
        raise FaultyDocument(tuple(faults))
    own, further = _parted(lines, campaign)
    return Prepared(
        path=path,
        campaign=campaign,
        items=items.with_own_hosts(origin.covers) if origin else items,
        frames=_frames(campaign, corpora),
        corpora=corpora,
        origin=origin,
        probes=probes,
        lines=own,
        further_lines=further,
        half=half,
        dependencies=dependencies,
        list_program=program,
    )


def _parted(lines: Lines, campaign: Campaign) -> tuple[Lines, Lines]:
    """The lines that are measured, and those of which only availability is asked."""
    names = {line.name for line in campaign.availability_lines}
    further = {place: line for place, line in lines.items() if place[0] in names}
    return {place: line for place, line in lines.items() if place not in further}, further


def _check_items(
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    probes: dict[str, Probe],
    items: SelectedItems,
) -> None:
    collect_faults(faults, document, ("stopping",), lambda: check_stopping_plans(campaign, items))
    without = items_without_probe(items, probes)
    faults += (fault_at(document, ("corpora",), *told) for told in without)


def _with_scheme(path: Path, campaign: Campaign) -> Campaign:
    """The campaign with the path of a scheme beside its file, or a shipped scheme's dated id."""
    beside = path.parent / campaign.scheme
    scheme = str(beside) if beside.is_file() else resolve(campaign.scheme)
    return campaign.model_copy(update={"scheme": scheme})


def _origin(path: Path, campaign: Campaign) -> Origin | None:
    if not campaign.origin:
        return None
    return replace(read_origin(path.parent / campaign.origin), nat64_prefix=campaign.nat64_prefix)


def _probes(campaign: Campaign, document: Document, faults: list[Fault]) -> dict[str, Probe]:
    named: dict[str, KeyPath] = {name: ("probes", n) for n, name in enumerate(campaign.probes)}
    for n, line in enumerate(campaign.lines):
        named |= {name: ("lines", n, "probes", m) for m, name in enumerate(line.probes)}
    probes = {}
    for name, at in named.items():
        plugin = collect_faults(faults, document, at, partial(PROBES.find, name))
        if plugin is not None:
            probe = probes[name] = plugin()
            missing = probe.missing() if isinstance(probe, NeedsPrograms) else None
            if missing is not None:
                faults.append(fault_at(document, at, *missing))
    return probes


def _corpora(
    path: Path,
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    checked: Collection[str],
    open_pack: CorpusOpener,
) -> tuple[tuple[Corpus, ...], SelectedItems]:
    """Open each pack once, and select the items of the campaign from them."""
    opened: dict[str, Corpus] = {}
    chosen: list[tuple[CorpusSelection, Corpus]] = []
    for n, selection in enumerate(campaign.corpora):
        place = path.parent / selection.pack
        is_folder = "/" in selection.pack or place.is_dir()  # "./canary" is not the shipped one
        beside = str(place) if place.is_absolute() else f"./{place}"
        given = beside if is_folder else selection.pack
        at: KeyPath = ("corpora", n, "pack")
        corpus = opened.get(given) or collect_faults(
            faults,
            document,
            at,
            partial(open_pack, given, checked=checked),
        )
        if corpus is not None:
            opened[given] = corpus
            one = ((selection, corpus),)
            found = len(faults)
            collect_faults(
                faults,
                document,
                ("corpora", n, "categories"),
                partial(select_campaign_items, one, campaign.seed),
            )
            chosen += one if len(faults) == found else ()
    seeded = campaign.stopping is not None
    items = collect_faults(
        faults,
        document,
        ("corpora",),
        lambda: select_campaign_items(chosen, campaign.seed, seeded=seeded),
    )
    return tuple(opened.values()), items or SelectedItems(())


def _on_own_hosts(open_pack: CorpusOpener, origin: Origin | None) -> CorpusOpener:
    """Return what opens a pack on the hosts of the origin, and refuses a pack of another origin."""
    if origin is None:
        return open_pack

    def opened(name_or_path: str, /, *, checked: Collection[str] = ()) -> Corpus:
        corpus = on_own_hosts(open_pack(name_or_path, checked=checked), origin)
        if corpus.reference.identity not in checked:
            require_served(corpus, origin)
        return corpus

    return opened


def _frames(campaign: Campaign, corpora: tuple[Corpus, ...]) -> dict[str, int]:
    """How many items of each category the corpora hold.

    Empty where a single pack is tried completely, because nothing is estimated then. S4 items that
    are known by a digest alone are never tried, and a campaign that may stop early may leave out
    others. Content items belong to no list.
    """
    has_digests = any(corpus.reference.sensitivity == "S4" for corpus in corpora)
    if campaign.keeps_order_of_pack and not has_digests:
        return {}
    lists = [corpus for corpus in corpora if corpus.reference.kind != "content"]
    return dict(sorted(Counter(item.category for each in lists for item in each.items()).items()))


def _check_facts(
    document: Document, faults: list[Fault], probes: dict[str, Probe], judged: frozenset[str]
) -> None:
    """Note a fault for each probe whose facts there are no rules for."""
    for name, probe in probes.items():
        if probe.declares.facts not in judged:
            found = (
                f"probe {name!r} records facts of kind {probe.declares.facts!r}, which have "
                "no rules of judgement"
            )
            faults.append(fault_at(document, ("probes",), found, known(judged)))


def _check_ways(
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    probes: dict[str, Probe],
    lines: dict[tuple[str, str], Line],
) -> None:
    for n, line in enumerate(campaign.lines):
        built = next((each for (name, _), each in lines.items() if name == line.name), None)
        for probe in campaign.probes_on(line) if built else ():
            need = probes[probe].declares.needs if probe in probes else None
            if built and need and need not in built.carries:
                found = f"line {line.name!r} ({line.type}) cannot carry probe {probe!r}"
                fits = [
                    name for name, each in probes.items() if each.declares.needs in built.carries
                ]
                remedy = f"list 'probes' for this line; possible: {', '.join(fits) or 'none'}"
                faults.append(fault_at(document, ("lines", n), found, remedy))
