"""What to send a supplier before a campaign: a letter, and the lists to load.

The lists hold agreed items alone. Hidden items, content pages and must-allow hosts are never in
them, even if an agreed pack names the same host. Where searches are tried, the supplier is given
the origin's engines and the agreed terms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn
from harness.cli.content_packs import SEARCH_FILES
from harness.cli.dry_run import DryRun, dry_run, dry_run_json, print_dry_run
from harness.cli.printing import say, say_json, shown
from harness.errors import UsageError
from harness.measure.plain_twins import with_plain_twins
from harness.model.campaign import LineDeclaration, Sentinel
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN, Item
from harness.model.listed_page import is_for_lists
from harness.model.observation import CONTROL
from harness.model.scheme import Policy, Scheme
from harness.model.search_case import search_case

LETTER, LISTS = "letter.md", "lists"
ALWAYS = "must-block-hosts"
"""The list of the must-block hosts, for all profiles."""

BY_CATEGORY = frozenset({"ut1"})
"""Formats that keep categories apart by themselves; of the others each category is a list."""

ADDRESSES = ("proxy", "server", "file", "resolver")
SOURCES = ("address", "source")

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#&])")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedList:
    """The agreed items of one category that a supplier loads, and for which profiles."""

    category: str
    profiles: tuple[str, ...]
    items: tuple[Item, ...]


def agreed_lists(prepared: Prepared, policy: Policy) -> tuple[AgreedList, ...]:
    """The lists of a campaign: all entries of each category that it tries and that must be blocked.

    Whole categories, so that they do not show which entries are in the sample.
    """
    campaign = prepared.campaign
    agreed = [
        corpus
        for corpus in prepared.corpora
        if corpus.reference.kind == "agreed" and not corpus.reference.is_hidden
    ]
    marks = {corpus.reference.mark for corpus in agreed}
    is_only = len(prepared.corpora) == 1
    chosen = {
        item.category for item in prepared.items if item.pack in marks or (is_only and agreed)
    }
    profiles = {
        code: tuple(
            name
            for name in campaign.profiles
            if policy.expects(code, campaign.phase_of(name)) == "block"
        )
        for code in sorted(chosen)
    }
    never = _never_listed(prepared)
    found: defaultdict[str, dict[str, Item]] = defaultdict(dict)
    for corpus in agreed:
        for item in corpus.items():
            is_meant = bool(profiles.get(item.category)) and is_for_lists(item)
            is_meant = is_meant and not item.stratum.startswith(TWIN)
            if is_meant and item.value and not item.is_sensitive and item.host not in never:
                found[item.category].setdefault(item.id, item)
    origin = prepared.origin
    return tuple(
        AgreedList(
            category=code,
            profiles=profiles[code],
            items=tuple(
                with_plain_twins(items.values(), origin) if origin is not None else items.values()
            ),
        )
        for code, items in sorted(found.items())
    )


def _never_listed(prepared: Prepared) -> frozenset[str]:
    """The hosts of must-allow sentinels and of every item that suppliers must not know.

    The names above them are among these, because an entry covers the names below it in some
    products. Pages of content packs on hosts of the agreed lists hide nothing: a list names these
    hosts for every campaign, so a gap in it would tell which of them have such pages.
    """
    hosts = set(prepared.campaign.sentinels.hosts("must_allow"))
    agreed = [
        corpus
        for corpus in prepared.corpora
        if corpus.reference.kind == "agreed" and not corpus.reference.is_hidden
    ]
    listed = {item.host for corpus in agreed for item in corpus.items()}
    for corpus in prepared.corpora:
        if corpus not in agreed:
            known = listed if corpus.reference.kind == "content" else set[str]()
            named = {item.host for item in corpus.items()}
            hosts |= {host for host in named if host.removeprefix("www.") not in known}
    return frozenset(name for host in hosts for name in _with_parents(host.lower())) - {""}


def _with_parents(host: str) -> Iterator[str]:
    while host:
        yield host
        host = host.partition(".")[2]


def write_letter(
    prepared: Prepared, scheme: Scheme, plan: DryRun, folder: Path
) -> tuple[Path, ...]:
    """Write letter and lists into a new folder; return the files. Nothing is overwritten.

    Raises UsageError if the folder exists or cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        msg = f"{folder} exists already; give a new folder"
        raise UsageError(msg)
    lists = agreed_lists(prepared, scheme.policy)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".letter-", dir=folder.parent) as draft:
            whole = Path(draft) / folder.name
            _write_lists(lists, prepared, whole / LISTS)
            if has_searches(prepared):
                _copy_search_lists(prepared, whole / LISTS)
            text = letter(prepared, scheme, plan, lists)
            (whole / LETTER).write_text(text, encoding="utf-8")
            whole.rename(folder)
    except OSError as error:
        msg = f"{folder}: {error.strerror or error}"
        raise UsageError(msg) from None
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def _write_lists(lists: tuple[AgreedList, ...], prepared: Prepared, folder: Path) -> None:
    """Write each list in each format that can express it."""
    from corpora.exporters import LIST_EXPORTERS  # noqa: PLC0415 - only this option needs it

    always = [_item(one) for one in prepared.campaign.sentinels.must_block]
    parts = {each.category: list(each.items) for each in lists} | {ALWAYS: always}
    for name, export in LIST_EXPORTERS.load().items():
        whole = [item for code, items in parts.items() if code != ALWAYS for item in items]
        given = {"": whole, ALWAYS: always} if name in BY_CATEGORY else parts
        for code, items in given.items():
            try:
                export(items, folder / name / code)
            except UsageError:
                continue  # the format cannot express any of these items


def has_searches(prepared: Prepared) -> bool:
    """Whether a campaign tries search engines or queries."""
    return any(search_case(variant_of(item.stratum)) for item in prepared.items)


def _copy_search_lists(prepared: Prepared, folder: Path) -> None:
    """Copy the lists of search engines and terms for the supplier from the origin's folder."""
    beside = (prepared.path.parent / str(prepared.campaign.origin)).parent
    for name in SEARCH_FILES:
        if not (beside / name).is_file():
            msg = f"{beside / name} is not there; write it with 'accredit origin pages'"
            raise UsageError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((beside / name).read_bytes())


def _item(sentinel: Sentinel) -> Item:
    return Item(id=sentinel.at, value=sentinel.at, labels=("CTRL",), kind=sentinel.item_kind)


def letter(prepared: Prepared, scheme: Scheme, plan: DryRun, lists: tuple[AgreedList, ...]) -> str:
    """Return the letter, in Markdown; what only a person knows is in square brackets."""
    campaign = prepared.campaign
    service = _text(campaign.service.name)
    paragraphs = [
        f"# Test of {service}: what we ask of you beforehand",
        f"To: {_text(campaign.service.supplier) or '[supplier]'}  \n{SENDER}",
        _about(prepared, scheme, plan),
        _lines(prepared),
        _sources(prepared),
        _loading(lists, has_twins=bool(prepared.origin and prepared.origin.twin_zone)),
        _sentinels(prepared),
        *([SEARCHES] if has_searches(prepared) else []),
        NOT_TO_DO,
        _wanted(prepared),
        CONTACT,
    ]
    return "\n\n".join(paragraphs) + "\n"


def _about(prepared: Prepared, scheme: Scheme, plan: DryRun) -> str:
    low, high = plan.cost.minutes
    through = [row for row in plan.attempts if row.line != CONTROL]
    least = sum(row.at_least for row in through)
    most = least + sum(row.retrials_at_most for row in through)
    return (
        "## What is tested, and when\n\n"
        f"We test {_text(prepared.campaign.service.name)} against the specification "
        f"*{_text(scheme.title)}* ({scheme.id}). The test runs between [first day] and [last day]. "
        f"It takes about {low:.0f} to {high:.0f} minutes, in one or several parts: about "
        f"{least:,} to {most:,} requests through the service, and some more that check the lines "
        f"and repeat unclear results, at most {plan.cost.concurrency} at once."
    )


def _lines(prepared: Prepared) -> str:
    campaign = prepared.campaign
    rows = ["| line | connection | where and for whom |", "|---|---|---|"]
    for line in campaign.lines:
        where = ", ".join(filter(None, (line.site, line.place, line.device, line.group)))
        rows.append(f"| {line.name} | {_connection(line)} | {_text(where) or '[where]'} |")
    groups = [f"{_text(name)} ({campaign.phase_of(name)})" for name in campaign.profiles]
    return (
        "These lines are used:\n\n" + "\n".join(rows) + "\n\n"
        f"Each is tested for these groups of users: {', '.join(groups)}. Please tell us how the "
        "service recognises each group, if we do not know it yet."
    )


def _connection(line: LineDeclaration) -> str:
    """The kind of line, and the address of the service that it names; never a password."""
    names = {
        "explicit_proxy": "explicit proxy",
        "resolver": "name server",
        "interface": "transparent: an ordinary device on the network",
        "pac": "PAC file",
    }
    value = next((str(line.options[key]) for key in ADDRESSES if line.options.get(key)), "")
    known = names.get(line.type, line.type)
    return f"{known} {_text(value)}".rstrip() if line.type != "interface" else known


def _sources(prepared: Prepared) -> str:
    campaign = prepared.campaign
    options = [
        each for line in campaign.lines for each in (line.options, *line.by_profile.values())
    ]
    found = {str(each[key]) for each in options for key in SOURCES if each.get(key)}
    found |= {campaign.plain_twins.source} - {""}
    addresses = ", ".join(_text(one) for one in sorted(found)) or "[the addresses that you see]"
    return (
        "## Where the requests come from\n\n"
        f"Source addresses: {addresses}. We tell you them so that you can find our requests in "
        "your logs. **Exempt them from nothing**: they get the policy, the limits and the "
        "treatment that every school gets."
    )


def _loading(lists: tuple[AgreedList, ...], *, has_twins: bool) -> str:
    rows = ["| category | meaning | entries | must be blocked for |", "|---|---|---|---|"]
    meanings = _meanings()
    rows += [
        f"| {each.category} | {_text(meanings.get(each.category, ''))} | {len(each.items)} | "
        f"{', '.join(map(_text, each.profiles))} |"
        for each in lists
    ]
    if not lists:
        return "## What to load\n\nNothing but the hosts in the next section."
    return (
        "## What to load, by [day]\n\n"
        "The entries are canaries: harmless pages that we have assigned to a category. Load each "
        "list into your own category of that meaning, so that your product treats it as that "
        f"category. The folder `{LISTS}` has the same lists in several formats; take the one that "
        "you can load."
        "\n\n"
        + "\n".join(rows)
        + ("\n\nThe names in a second domain belong to the same categories." if has_twins else "")
        + _pages_note(lists)
        + "\n\nPlease confirm when everything is loaded."
    )


def _pages_note(lists: tuple[AgreedList, ...]) -> str:
    """Return what to know of entries that are single pages; empty if there are none."""
    from corpora.exporters import PAGE_FORMATS  # noqa: PLC0415 - only this option needs it
    from corpora.exporters.product_lists import pages_of  # noqa: PLC0415 - the same

    number = len(pages_of(item for each in lists for item in each.items))
    if not number:
        return ""
    return (
        f"\n\n**{number} entries are single pages.** Block these addresses alone, exactly as they "
        "are written, not the other pages of their sites. Only these formats can list them: "
        f"{', '.join(sorted(PAGE_FORMATS))} (squid-urls beside squid). The lists in other formats "
        "hold whole sites alone."
    )


def _sentinels(prepared: Prepared) -> str:
    sentinels = prepared.campaign.sentinels
    block = ", ".join(_code(one.at) for one in sentinels.must_block)
    allow = ", ".join(_code(one.at) for one in sentinels.must_allow)
    return (
        "## Agreed hosts\n\n"
        f"- Block for all users: {block} (also in `{LISTS}`, under `{ALWAYS}`).\n"
        f"- Leave as your product treats any unknown harmless site: {allow}. Put it on no list.\n\n"
        "They are tried before and after every part of the test, so that an outage is not taken "
        "for a result."
    )


SENDER = "From: [your name and organisation]  \nDate: [date]"

SEARCHES = """\
## Search engines and search terms

We have search engines and a video site of our own, because the real ones do not tell us what
reached them. Treat each host in `lists/search-engines.csv` as a search engine, and lock it as the
file says: set the parameter, header or cookie in place of whatever the client sends, or answer DNS
with an alias (CNAME) for the name. Of several values take the first where adult content must be
blocked, else the last. An engine whose lock is `none` cannot be locked. Load the words in
`lists/search-terms.csv` as harmful search terms of their category. They have no meaning."""

NOT_TO_DO = """\
## What must not be done

- No special treatment of our addresses, accounts, requests or domains, beyond loading the lists.
- No entry by hand for a page that you see in the logs during the test.
- No change of policy, version or configuration from [first day] to [last day] that other schools
  do not get; tell us about those that they do.

We also try sites that are not in these lists, and repeat some requests as an ordinary pupil
would."""

CONTACT = """\
## Contact

Ours during the test: [name, e-mail, telephone]. We stop at any time if the test disturbs others:
call us. Please name a person of yours who can be reached on these days."""


def _wanted(prepared: Prepared) -> str:
    page = prepared.campaign.service.block_page
    known = "; ".join(filter(None, (page.title, page.text, page.host))) if page else ""
    told = f" We know this of it: {_text(known)}." if known else ""
    return (
        "## What we need from you\n\n"
        "- **The block page**: its title, a sentence of its text that is always there, and the "
        f"host that serves it.{told}\n"
        "- **Log records** of our source addresses for the time of the test: time, user or group, "
        "computer, address asked for, category, action. Send them when the test is over. Tell us "
        "before it which user and computer they show for each of our accounts, and by how many "
        "seconds their clock may be wrong.\n"
        "- The version of the service and of its lists, and the policy of each group as configured."
    )


def _meanings() -> Mapping[str, str]:
    from corpora.taxonomy import shipped  # noqa: PLC0415 - as above

    return {category.code: category.name for category in shipped()}


def _code(text: str) -> str:
    """A host or URL as code of Markdown; a backtick ends code, and is encoded (RFC 3986)."""
    return f"`{shown(text).replace('`', '%60')}`"


def _text(text: str) -> str:
    """A text as one line of Markdown, without passwords and without markup of its own."""
    return _SPECIAL.sub(r"\\\1", shown(text))


def show_plan(prepared: Prepared, out: Path, folder: Path | None, *, as_json: bool) -> None:
    """Print what measuring would try and cost; with ``folder``, write what the supplier needs."""
    scheme = load_and_warn(prepared.campaign.scheme)
    plan = dry_run(prepared, scheme, out)
    written = write_letter(prepared, scheme, plan, folder) if folder is not None else ()
    if as_json:
        say_json(dry_run_json(plan))
        return
    print_dry_run(plan)
    if folder is not None:
        say("", *summary(written, folder))


def summary(paths: tuple[Path, ...], folder: Path) -> Iterator[str]:
    """What was written, in words."""
    yield f"letter: {folder / LETTER} (fill in what is in square brackets)"
    yield f"lists: {len(paths) - 1} files in {folder / LISTS}"
