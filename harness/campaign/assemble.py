"""Prepare a campaign: read its file, find its plug-ins, build its lines, probes and corpora.

All faults of a campaign file are found here, before a packet is sent. ``prepare`` returns the
``Prepared`` campaign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from harness.campaign.crossover import exchanged, half_of
from harness.campaign.item_selection import Chosen, check_plans, choose, untried
from harness.campaign.origin_file import read_origin
from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.batch import Half
from harness.model.campaign import Campaign, CorpusSelection, LineDeclaration, Service
from harness.model.observation import CONTROL
from harness.model.plain_twin import PlainTwins
from harness.plugins import LINES, PROBES
from harness.ports.network import (
    Corpus,
    CorpusOpener,
    Guarded,
    Line,
    Origin,
    Probe,
    PupilClient,
    SecondClient,
)
from harness.schemes.load import load_scheme, resolve
from harness.yaml_reader import Document, Path_, dotted, read_document, validate


def declare_block_page(service: Service, lines: Mapping[tuple[str, str], Line]) -> None:
    """Declare the host of the supplier's block page, and the control line, to the lines.

    ``lines`` are by name and profile. The control line never fetches a private block page.
    """
    page = service.block_page.host if service.block_page is not None else ""
    for (name, profile), line in lines.items():
        control = lines.get((CONTROL, profile))
        if name != CONTROL and control is not None and isinstance(line, Guarded):
            line.declare(page, control)


def twin_lines(
    lines: Mapping[tuple[str, str], Line], declared: PlainTwins, client: PupilClient
) -> dict[tuple[str, str], Line]:
    """The lines for plain twins, by name and profile, where a pupil's browser can use the line."""
    if not declared.number:
        return {}
    by_identity: dict[int, Line | None] = {}
    for line in lines.values():
        if id(line) not in by_identity:
            by_identity[id(line)] = client.line_for(line, declared.source)
    twins = {key: by_identity[id(line)] for key, line in lines.items()}
    return {key: line for key, line in twins.items() if line is not None}


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The functions and clients of rooms that ``harness`` does not import.

    ``judged_facts`` are the kinds of facts that have rules of judgement.
    """

    open_pack: CorpusOpener
    judged_facts: frozenset[str]
    second_client: SecondClient
    pupil: PupilClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checked campaign with its items, corpora, probes and lines."""

    path: Path
    campaign: Campaign
    items: Chosen
    frames: dict[str, int]
    corpora: tuple[Corpus, ...]
    origin: Origin | None
    probes: dict[str, Probe]
    lines: dict[tuple[str, str], Line]
    half: Half
    rooms: Rooms
    only_undecided: bool = False


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
    rooms: Rooms,
    swapped: bool = False,
) -> Prepared:
    """Prepare the campaign at ``path`` (or ``campaign``, which derives from it).

    ``checked`` are the packs named in a journal's header, whose rows are not checked again;
    ``lane`` overrides the lane of every line that has lanes; ``swapped`` is the second half of a
    crossover. Raises FaultyDocument with all faults, one line each.
    """
    declared, document = read_campaign(path)
    campaign = campaign or declared
    campaign = campaign.model_copy(update={"scheme": _scheme(path, campaign)})
    faults: list[Fault] = []
    origin = _collect_faults(faults, document, ("origin",), lambda: _origin(path, campaign))
    _collect_faults(faults, document, ("scheme",), lambda: load_scheme(campaign.scheme))
    halved = partial(half_of, campaign, swapped=swapped)
    half = _collect_faults(faults, document, ("crossover",), halved) or "all"
    probes = _probes(campaign, document, faults)
    wired = exchanged(campaign) if half == "swapped" else campaign
    lines = _lines(wired, document, faults, origin, lane)
    declare_block_page(campaign.service, lines)
    corpora, items = _corpora(path, campaign, document, faults, checked, rooms.open_pack)
    _collect_faults(faults, document, ("stopping",), lambda: check_plans(campaign, items))
    for problem, remedy in untried(items, probes):
        faults.append(_fault(document, ("corpora",), problem, remedy))
    _check_facts(document, faults, probes, rooms.judged_facts)
    _check_probes(campaign, document, faults, probes, lines)
    if faults:
        raise FaultyDocument(tuple(faults))
    return Prepared(
        path=path,
        campaign=campaign,
        items=items.with_own_hosts(origin.covers) if origin else items,
        frames=_frames(campaign, corpora),
        corpora=corpora,
        origin=origin,
        probes=probes,
        lines=lines,
        half=half,
        rooms=rooms,
    )


def _scheme(path: Path, campaign: Campaign) -> str:
    """The dated id of a shipped scheme, or the path of a file beside the campaign file."""
    beside = path.parent / campaign.scheme
    return str(beside) if beside.is_file() else resolve(campaign.scheme)


def _origin(path: Path, campaign: Campaign) -> Origin | None:
    return read_origin(path.parent / campaign.origin) if campaign.origin else None


def _probes(campaign: Campaign, document: Document, faults: list[Fault]) -> dict[str, Probe]:
    named: dict[str, Path_] = {name: ("probes", n) for n, name in enumerate(campaign.probes)}
    for n, line in enumerate(campaign.lines):
        named |= {name: ("lines", n, "probes", m) for m, name in enumerate(line.probes)}
    probes = {}
    for name, at in named.items():
        plugin = _collect_faults(faults, document, at, partial(PROBES.find, name))
        if plugin is not None:
            probes[name] = plugin()
    return probes


def _lines(
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    origin: Origin | None,
    lane: str | None,
) -> dict[tuple[str, str], Line]:
    lines: dict[tuple[str, str], Line] = {}
    control = LineDeclaration(
        name=CONTROL, type=campaign.control.type, options=campaign.control.options
    )
    declared: list[tuple[LineDeclaration, Path_]] = [(control, ("control",))]
    declared += [(line, ("lines", n)) for n, line in enumerate(campaign.lines)]
    names: set[str] = set()
    for line, at in declared:
        if line.name in names:
            remedy = "give each line a different name; 'control' is reserved"
            faults.append(_fault(document, (*at, "name"), f"{line.name!r} is used twice", remedy))
        names.add(line.name)
        for profile in line.by_profile:
            if profile not in campaign.profiles:
                key = (*at, "by_profile", profile)
                faults.append(_fault(document, key, "no such profile", known(campaign.profiles)))
        lines |= _build_line(line, at, campaign, document, faults, origin, lane)
    return lines


def _build_line(
    line: LineDeclaration,
    at: Path_,
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    origin: Origin | None,
    lane: str | None,
) -> dict[tuple[str, str], Line]:
    plugin = _collect_faults(faults, document, (*at, "type"), partial(LINES.find, line.type))
    built: dict[tuple[str, str], Line] = {}
    same: dict[str, Line] = {}
    if plugin is None:
        return built
    for profile in campaign.profiles:
        data = line.options_for(profile)
        if lane is not None and "lane" in plugin.Options.model_fields:
            data["lane"] = lane
        where = (*at, "by_profile", profile) if profile in line.by_profile else (*at, "options")
        options = _options(plugin.Options, data, document, where, faults)
        if options is None:
            break
        shared = options.model_dump_json()
        if shared not in same:
            same[shared] = plugin(line.name, options, origin, campaign.limits)
        built[line.name, profile] = same[shared]
    return built


def _options(
    model: type[BaseModel], data: dict[str, Any], document: Document, at: Path_, faults: list[Fault]
) -> BaseModel | None:
    try:
        return validate(document, model, data, at)
    except FaultyDocument as faulty:
        faults += [fault for fault in faulty.faults if fault not in faults]
        return None


def _corpora(
    path: Path,
    campaign: Campaign,
    document: Document,
    faults: list[Fault],
    checked: Collection[str],
    open_pack: CorpusOpener,
) -> tuple[tuple[Corpus, ...], Chosen]:
    """The packs of a campaign, each opened once, and the items chosen from them."""
    opened: dict[str, Corpus] = {}
    chosen: list[tuple[CorpusSelection, Corpus]] = []
    for n, selection in enumerate(campaign.corpora):
        folder = path.parent / selection.pack
        given = str(folder) if "/" in selection.pack or folder.is_dir() else selection.pack
        at: Path_ = ("corpora", n, "pack")
        corpus = opened.get(given) or _collect_faults(
            faults,
            document,
            at,
            partial(open_pack, given, checked=checked),
        )
        if corpus is not None:
            opened[given] = corpus
            selected = ((selection, corpus),)
            faults_before = len(faults)
            _collect_faults(
                faults,
                document,
                ("corpora", n, "categories"),
                partial(choose, selected, campaign.seed),
            )
            chosen += selected if len(faults) == faults_before else ()
    seeded = campaign.stopping is not None
    items = _collect_faults(
        faults, document, ("corpora",), lambda: choose(chosen, campaign.seed, seeded=seeded)
    )
    return tuple(opened.values()), items or Chosen(())


def _frames(campaign: Campaign, corpora: tuple[Corpus, ...]) -> dict[str, int]:
    """The number of items of each category in the corpora, without content items.

    Empty if a single pack is tried completely, because then nothing was left out. That is never
    assumed of a pack of S4 items, or of a campaign that may stop early.
    """
    is_whole = len(campaign.corpora) == 1 and campaign.corpora[0].is_whole
    if (
        is_whole
        and campaign.stopping is None
        and all(corpus.reference.sensitivity != "S4" for corpus in corpora)
    ):
        return {}
    lists = [corpus for corpus in corpora if corpus.reference.kind != "content"]
    return dict(sorted(Counter(item.category for each in lists for item in each.items()).items()))


def _check_facts(
    document: Document, faults: list[Fault], probes: dict[str, Probe], judged: frozenset[str]
) -> None:
    """Add a fault for each probe whose facts have no rules of judgement."""
    for name, probe in probes.items():
        if probe.declares.facts not in judged:
            problem = (
                f"probe {name!r} records facts of kind {probe.declares.facts!r}, "
                "which have no rules of judgement"
            )
            faults.append(_fault(document, ("probes",), problem, known(judged)))


def _check_probes(
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
                problem = f"line {line.name!r} ({line.type}) cannot carry probe {probe!r}"
                fits = [
                    name for name, each in probes.items() if each.declares.needs in built.carries
                ]
                remedy = f"list 'probes' for this line; possible: {', '.join(fits) or 'none'}"
                faults.append(_fault(document, ("lines", n), problem, remedy))


def _collect_faults(
    faults: list[Fault], document: Document, at: Path_, act: Callable[[], T]
) -> T | None:
    """The result of ``act``; its faults are added to ``faults``, with the line of ``at``."""
    try:
        return act()
    except FaultyDocument as faulty:
        faults += faulty.faults
    except UsageError as error:
        faults.append(_fault(document, at, str(error), ""))
    return None


def _fault(document: Document, at: Path_, problem: str, remedy: str) -> Fault:
    return document.fault(document.line_of(at), dotted(at), problem, remedy)
