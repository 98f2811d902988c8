"""No page and no route of a hub tells a viewer what it may not see: every address is asked as each.

The scheme's owner and an assessor follow every link of the hub of the demonstration; then each
other viewer asks for every address that they found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.demo_hub_files import BRIGHTWATER, DNS, GATEWAY, HARBOUR, NORTHGATE
from reports.dashboard.viewer_guard import FOR_TOKENS
from test_suites.kit.hubs.demo_hub_example import DemoHub, Got, form_of, opened_demo

pytestmark = pytest.mark.timeout(1200)
"""The hub of the demonstration is made first, and every page of it is asked for."""

START = (
    "/overview", "/campaigns", "/plans", "/decisions", "/alarms", "/sites", "/uploads", "/admin",
    "/admin/audit", "/states", "/", "/openapi.json", "/metrics", "/compare",
    "/api/v1/campaigns", "/api/v1/outcomes", "/api/v1/plans", "/api/v1/decisions",
    "/api/v1/alarms", "/api/v1/calendar.ics", "/api/v1/uploads",
    "/api/v1/exports/campaigns.csv", "/api/v1/exports/outcomes.jsonl", "/api/v1/exports/items.csv",
)  # fmt: skip
PUBLIC = re.compile(
    r"/(\?.*)?$|/(register|certificates?|guide|feed|static|states|sign-in|openapi|health|help)\b"
)
"""The addresses that everybody may read."""

NORTHGATES = (NORTHGATE, GATEWAY.name, DNS.name, "northgate learning", *GATEWAY.sites, *DNS.sites)
BRIGHTWATERS = (BRIGHTWATER, HARBOUR.name, "brightwater filtering", *HARBOUR.sites)
OK = 200
FOREIGN = {
    "northgate": BRIGHTWATERS,
    "brightwater": NORTHGATES,
    "school": (*BRIGHTWATERS, *(each for each in NORTHGATES if each.endswith(("Primary", "School"))),
               "P-000", "A-000", "D-000", "canary.accredit.test"),
    "administrator": ("canary.accredit.test", "drug-0"),
    "figures": ("P-000", "A-000", "canary.accredit.test"),
    "": (*GATEWAY.sites, *DNS.sites, *HARBOUR.sites, "canary.accredit.test", "A-000"),
}  # fmt: skip
"""What no answer to a viewer may hold, beside the public register."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    with opened_demo(tmp_path_factory.mktemp("leaks") / "hub", tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def found(hub: DemoHub) -> dict[str, Got]:
    """Every address that the owner, an assessor and an administrator get to, with its answer."""
    answers: dict[str, Got] = {}
    for who in ("administrator", "owner", "assessor"):
        for path, got in hub.crawl(who, START).items():
            if path not in answers or got.status == OK:
                answers[path] = got
    return answers


def test_the_crawl_reaches_every_kind_of_page(found: dict[str, Got]) -> None:
    forms = {form_of(path).partition("?")[0] for path, got in found.items() if got.status == 200}

    for wanted in (
        "/overview", "/services/*/*", "/services/*/*/requirements/*", "/campaigns",
        "/campaigns/*/*", "/campaigns/*/*/items", "/campaigns/*/*/items/*", "/compare", "/plans",
        "/plans/*/*", "/decisions", "/decisions/*/*", "/alarms", "/alarms/*/*", "/sites", "/admin",
        "/admin/audit", "/states", "/", "/metrics",
    ):  # fmt: skip
        assert wanted in forms, sorted(forms)
    assert not [path for path, got in found.items() if got.status >= 500]


@pytest.mark.parametrize("who", sorted(FOREIGN))
def test_no_address_tells_a_viewer_what_it_may_not_see(
    hub: DemoHub, found: dict[str, Got], who: str
) -> None:
    private = [path for path in found if not PUBLIC.match(path)]
    if who == "figures":
        private = [path for path in private if path.startswith(FOR_TOKENS)]
    answers = hub.get_all(private, who)

    assert not [path for path, got in answers.items() if got.status >= 500]
    leaks = [
        (path, word)
        for path, got in answers.items()
        for word in FOREIGN[who]
        if word.lower() in got.text.lower() and word.lower() not in unquote_plus(path).lower()
    ]
    assert [] == leaks[:10]
    if who == "":
        allowed = {got.status for got in answers.values()}
        assert allowed <= {303, 401, 404}, allowed


@pytest.mark.parametrize(
    ("who", "stream", "own"),
    [("northgate", "brightwater", "northgate"), ("brightwater", "northgate", "brightwater")],
)
def test_what_is_of_another_supplier_is_answered_as_what_does_not_exist(
    hub: DemoHub, found: dict[str, Got], who: str, stream: str, own: str
) -> None:
    theirs = [
        path for path, got in found.items()
        if got.status == 200 and f"supplier%3A{stream}" in path and not PUBLIC.match(path)
        and "after=" not in path
    ]  # fmt: skip
    assert len(theirs) > 20
    unknown = {path: path.replace(f"supplier%3A{stream}", "supplier%3Anobody") for path in theirs}
    real, none = hub.get_all(theirs, who), hub.get_all([*unknown.values()], who)
    for path, other in unknown.items():
        assert real[path].status == none[other].status == 404, path
        assert real[path].text.replace(path, "") == none[other].text.replace(other, ""), path


NAMES = st.text(max_size=30) | st.sampled_from(
    ["..", "../../etc/passwd", "supplier:brightwater filtering ltd", "\x00", "'; DROP TABLE x; --",
     "<script>", "%2e%2e", "~", "~x", "0", "-1", "1e9", "999999999999999999999"]
)  # fmt: skip
PLACES = st.sampled_from(
    ["/services/{}/{}", "/services/{}/{}/requirements/{}", "/campaigns/{}/{}",
     "/campaigns/{}/{}/items", "/campaigns/{}/{}/items/{}", "/campaigns/{}/{}/items/1/evidence/{}",
     "/plans/{}/{}", "/decisions/{}/{}", "/alarms/{}/{}", "/uploads/{}", "/register/{}/{}",
     "/static/{}", "/admin/people/{}", "/api/v1/campaigns/{}/{}", "/api/v1/uploads/{}",
     "/compare?before={}&after={}", "/campaigns?after={}", "/plans?after={}", "/admin/audit?after={}"]
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PLACES, st.lists(NAMES, min_size=3, max_size=3), st.sampled_from(sorted(FOREIGN)))
def test_no_name_of_chance_breaks_a_page_or_leads_anywhere(
    hub: DemoHub, place: str, names: list[str], who: str
) -> None:
    path = place.format(*(quote(name.encode("utf-8", "surrogatepass"), safe="") for name in names))
    got = hub.get(path, who)

    assert got.status < 500, path
    assert "root:" not in got.text
    assert "<script>" not in got.text.replace('<script src="', "")
    if not got.location.startswith("/sign-in"):
        assert not got.location
