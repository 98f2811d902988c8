"""Campaigns of all areas over real products: each verdict agrees with the logs, in both directions.

Here the packs are the smallest with which rows are decided, and one product of each kind runs, once:
Squid, Unbound and a gateway. ``tox -e products`` runs e2guardian and BIND as well,
``python -m test_suites.products.all_areas --twice`` all seven with the full packs, each twice.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.model.content_form import FORMS
from test_suites.kit.clocks.sizes import only_full
from test_suites.products.all_areas.__main__ import run_inside
from test_suites.products.all_areas.pages import CATEGORY, SMALLEST
from test_suites.products.all_areas.results import Result, measure
from test_suites.products.squid import CERTGEN

SCANNERS = ("clamd", "c-icap")
LEAST = 20
"""Verdicts that must rest on each kind of agreement that is wanted."""
MOST_UNSTEADY = 5
"""Verdicts of harmless pages that may be undecided: e2guardian blocks one in a thousand, once."""
UNREAD = {
    "deflate", "utf-16", "xhtml", "json", "svg", "entities", "zero-width", "split-tags",
    "split-comments", "data-base64", "data-percent", "escaped-script", "twice-gzip",
    "utf-16-undeclared", "octet-stream", "unknown-type", "full-width",
}  # fmt: skip
"""The forms of pages that e2guardian does not read. It blocks the page inside a frame."""
CUT_OFF = "early-hints"
"""The form of pages, harmful or not, at which e2guardian closes the connection."""
ARRIVED, NEVER_CAME, WITHHELD, LOCKED, BY_NAME, USERS = (
    "arrived, and was asked for", "blocked, and never asked for",
    "blocked, and withheld by the product", "locked, as the origin said",
    "answered by name, as its lists say",
    "users at the same time, as they reached the origin",
)  # fmt: skip


def agrees(result: Result, *kinds: str, least: int = LEAST) -> bool:
    """Whether no verdict contradicts a log, and enough verdicts rest on each kind of agreement."""
    assert result.contradicted == []
    return all(result.agreed.get(kind, 0) >= least for kind in kinds)


def rows(result: Result, conformity: str, group: str = "pupils") -> set[str]:
    """The requirements with this outcome for a group."""
    return {
        name.partition("/")[0]
        for name, outcome in result.outcomes.items()
        if (outcome, name.partition("/")[2]) == (conformity, group)
    }


MET, BROKEN, OPEN = "conforms", "does-not-conform", "insufficient"


@pytest.mark.timeout(600)
@pytest.mark.product("squid", CERTGEN, *SCANNERS)
def test_squid_that_opens_tls_and_scans_files_is_seen_as_it_is(tmp_path: Path) -> None:
    """It reads no pages, locks engines by headers alone, and finds no file inside a JSON text."""
    result = measure("squid-tls", tmp_path, SMALLEST)

    assert agrees(result, ARRIVED, NEVER_CAME, WITHHELD)
    assert agrees(result, LOCKED, least=5)
    assert agrees(result, USERS, least=61)
    assert result.reasons["POL-05/pupils"] == result.reasons["POL-05/staff"] == []
    assert result.undecided == {}
    broken = {
        "BLK-03", "DYN-01", "DYN-02", "DYN-04", "DYN-05", "DYN-06", "DYN-08", "ILL-07", "MAL-02",
        "URL-10",
    }  # fmt: skip
    undecided = {"DYN-07", "POL-02", "POL-03", "POL-07", "URL-11"}
    assert (rows(result, BROKEN), rows(result, OPEN)) == (broken, undecided)
    of_staff = (broken | {"UPL-02"}) - {"DYN-01", "DYN-02"}
    assert rows(result, BROKEN, "staff") == of_staff
    assert {"ILL-01", "ILL-02", "MAL-01", "MAL-05", "UPL-01", "UPL-02", "POL-05"} <= rows(
        result, MET
    )


@only_full
@pytest.mark.timeout(600)
@pytest.mark.product("e2guardian", "squid", "openssl", "clamd")
def test_e2guardian_with_lists_of_addresses_phrases_and_a_scanner_is_seen_as_it_is(
    tmp_path: Path,
) -> None:
    """Addresses with spaces and escapes do not match its list, and it does not read every form."""
    areas, groups = ("illegal", "content", "files"), ("pupils",)
    result = measure("e2guardian", tmp_path, SMALLEST, areas, groups)

    assert agrees(result, ARRIVED, NEVER_CAME, WITHHELD)
    seen: dict[str, set[str]] = {}
    for stratum, states in result.states.items():
        category, _, form = stratum.partition("/")
        if category == CATEGORY and (form in FORMS or not form):
            seen.setdefault(form or "plain", set()).update(states)
    decided = {form: states - {OPEN} for form, states in seen.items()}
    read = {form: {"blocked"} for form in ("plain", *FORMS) if form not in {*UNREAD, CUT_OFF}}
    assert decided == read | {form: {"allowed"} for form in UNREAD}
    assert not [stratum for stratum in result.states if stratum.endswith(f"/{CUT_OFF}")]
    harmless = Counter[str]()
    for stratum, states in result.states.items():
        if stratum.startswith("twin:") and "/file:" not in stratum:
            harmless.update(states)
    assert set(harmless) <= {"allowed", OPEN}
    assert harmless[OPEN] <= MOST_UNSTEADY
    assert {"ILL-02", "MAL-01", "MAL-02", "MAL-04", "URL-01"} <= rows(result, MET)
    # A harmless page that it blocks once and then lets pass leaves these undecided.
    assert {"ILL-03", "OVB-06", "MAL-05"} <= rows(result, MET) | rows(result, OPEN)
    broken = {"ILL-01", "ILL-04", "DYN-06", "DYN-08", "BLK-01", "BLK-05"}
    assert broken <= rows(result, BROKEN)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("product", "announced"),
    [
        pytest.param("unbound", BROKEN, marks=pytest.mark.product("unbound")),
        pytest.param("bind", MET, marks=(pytest.mark.product("named"), only_full)),
    ],
)
def test_a_name_server_with_policy_zones_is_seen_as_it_is(
    tmp_path: Path, product: str, announced: str
) -> None:
    """It spares nothing below a name, and BIND alone says that it blocks (RFC 8914)."""
    result = measure(product, tmp_path, SMALLEST)

    assert agrees(result, ARRIVED, NEVER_CAME, BY_NAME)
    assert result.undecided == {}
    assert {"ILL-02", "OVB-06", "URL-01", "OVB-01", "POL-01", "POL-04"} <= rows(result, MET)
    assert {"ILL-01", "ILL-04", "DYN-01", "DYN-04", "BLK-02"} <= rows(result, BROKEN)
    assert "BLK-01" in rows(result, announced)


@pytest.mark.timeout(400)
@pytest.mark.product("nft", "ip", "unbound", "unshare")
def test_a_gateway_that_refuses_addresses_is_seen_as_it_is() -> None:
    """Every other site at a refused address is refused as well."""
    result = run_inside("nftables", smallest=True)

    assert agrees(result, ARRIVED, NEVER_CAME)
    assert result.undecided == {}
    assert {"ILL-02", "URL-01", "URL-02", "MAL-03"} <= rows(result, MET)
    assert {"ILL-01", "ILL-04", "OVB-06", "BLK-01", "BLK-02"} <= rows(result, BROKEN)
