"""The addresses of a school's own check: agencies' and vendors' test pages, search engines, hosts.

``data/school_check.csv`` holds what every school tries, each with the mark by which the page is
known. Pages of vendors come from ``data/vendor_tests.csv``: most are recognised by their vendor's
own products only. A hidden list gives names, and never more than names.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from corpora.hostnames import BadName, to_host, why_refused
from corpora.pack_reader import open_pack
from corpora.taxonomy import DATA
from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.corpus import Item, is_among
from harness.model.school_check import CheckTarget
from harness.untrusted.regular_file import read_bounded

OWN_TABLE, VENDOR_TABLE = "school_check.csv", "vendor_tests.csv"

TYPICAL = ("PORN", "VIOL", "GAMB", "DRUG", "EXTR", "MALW.MAL", "MALW.PHISH")
"""Of a vendor that is not the school's supplier, a page of some of these categories is tried."""
FEW = 2
"""How many pages of such a vendor are tried."""
HARMFUL = ("PORN", "ADLT", "VIOL", "DRUG", "CRIM", "DISC", "EXTR", "GAMB", "PIRA", "MALW")
"""Of the school's own supplier, every page of these categories is tried."""

NO_VENDORS = frozenset(
    {"SWGfL Test Filtering", "LGfL", "badssl", "Zscaler", "EICAR", "swgaudit", "WICAR"}
)
"""Publishers of the vendor table whose pages do not stand for a vendor's categories."""

MOST_NAMES = 200
"""How many names of a hidden list one check tries."""
LIST_BYTES = 1024 * 1024

msgspec.json.Decoder(CheckTarget)
"""Made once, for threads: see test_suites/house/test_decoders.py."""


def shipped_targets() -> tuple[CheckTarget, ...]:
    """What every check tries, in file order."""
    return tuple(
        msgspec.convert(row | {"counts": row["counts"] == "yes"}, CheckTarget)
        for row in _rows(OWN_TABLE)
    )


def vendor_targets(supplier: str = "") -> tuple[CheckTarget, ...]:
    """A few test pages of each vendor, for information, and all pages of the school's supplier.

    ``supplier`` is a part of a vendor's name. Raises UsageError if no vendor has such a name.
    """
    rows = [row for row in _rows(VENDOR_TABLE) if _is_category_page(row)]
    own = {row["vendor"] for row in rows if supplier.casefold() in row["vendor"].casefold()}
    if supplier and not own:
        names = known({row["vendor"] for row in rows})
        raise UsageError(
            f"no test pages of a supplier {supplier!r} are known; leave the option out, or give "
            f"a part of a name; {names}"
        )
    return tuple(
        _vendor_target(row, counts=bool(supplier) and row["vendor"] in own)
        for row in _chosen(rows, own if supplier else set())
    )


def _rows(table: str) -> list[dict[str, str]]:
    with (DATA / table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _is_category_page(row: dict[str, str]) -> bool:
    """Whether a row is a test page of a harmful category, and no file to download."""
    is_vendor = row["vendor"] not in NO_VENDORS and not row["vendor"].startswith("(")
    is_file = row["layer"] == "content" or row["url"].endswith((".txt", ".zip", ".exe"))
    return is_vendor and not is_file and is_among(row["canonical_code"], HARMFUL)


def _chosen(rows: Iterable[dict[str, str]], own: set[str]) -> Iterator[dict[str, str]]:
    taken: dict[str, set[str]] = {}
    for row in rows:
        vendor, code = row["vendor"], row["canonical_code"]
        categories = taken.setdefault(vendor, set())
        if vendor in own:
            yield row
        elif code in TYPICAL and code not in categories and len(categories) < FEW:
            categories.add(code)
            yield row


def _vendor_target(row: dict[str, str], *, counts: bool) -> CheckTarget:
    return CheckTarget(
        id=row["id"],
        part="vendor",
        address=row["url"],
        publisher=row["vendor"],
        what=f"{row['vendor']}'s test page for {row['vendor_category']}",
        category=row["canonical_code"],
        counts=counts,
    )


def hidden_names(path: Path, key: bytes) -> tuple[tuple[CheckTarget, ...], int]:
    """The names of a hidden list, and how many entries it has that are never tried.

    ``path`` is a text file with one host name a line (``#`` begins a comment), or the folder of a
    pack, of which the hosts are taken. Entries that a pack stores only as a keyed digest (S4) are
    not tried. ``key`` makes the digests that stand for the names wherever they are shown or stored.
    Raises UsageError, FaultyDocument.
    """
    if path.is_dir():
        items = list(open_pack(str(path)).items())
        usable = [item for item in items if _is_name(item)]
        hosts = [(f"entry {item.id} of the hidden pack", item.host) for item in usable]
        left_out = len(items) - len(usable)
    else:
        hosts, left_out = _hosts_of_file(path), 0
    unique = {host: what for what, host in reversed(hosts)}
    if not unique:
        raise UsageError(f"{path}: no host name to try; write one host name on each line")
    if len(unique) > MOST_NAMES:
        raise UsageError(
            f"{path}: {len(unique)} names; one check tries at most {MOST_NAMES}; give a sample"
        )
    named = reversed(unique.items())
    return tuple(_name_target(host, what, key) for host, what in named), left_out


def _is_name(item: Item) -> bool:
    is_tried = item.sensitivity != "S4" and item.kind in ("host", "suffix", "url")
    return is_tried and bool(item.host) and not why_refused("host", item.host)


def _name_target(host: str, what: str, key: bytes) -> CheckTarget:
    digest = hmac.new(key, host.encode(), hashlib.sha256).hexdigest()
    return CheckTarget(
        id=f"NAME-{digest[:12]}",
        part="names",
        method="name",
        address=host,
        what=what,
        digest=f"hmac-sha256:{digest}",
    )


def _hosts_of_file(path: Path) -> list[tuple[str, str]]:
    """The hosts of a text file, each with its line in words, which does not show it."""
    try:
        text = read_bounded(path, LIST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a text file in UTF-8") from None
    hosts, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        try:
            hosts.append((f"the name on line {number} of the hidden list", _host(name)))
        except BadName as error:
            # The message must not show the name: it may be of a sensitive page.
            faults.append(
                Fault(
                    where=str(path), line=number, key="", found=str(error),
                    known="write a host name without http:// and without a path",
                )
            )  # fmt: skip
    if faults:
        raise FaultyDocument(tuple(faults))
    return hosts


def _host(name: str) -> str:
    if "/" in name or ":" in name:
        raise BadName("this is not a host name")
    host = to_host(name)
    if "." not in host:
        raise BadName("a host name has a dot")
    if refused := why_refused("host", host):
        raise BadName(refused)
    return host
