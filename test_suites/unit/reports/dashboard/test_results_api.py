"""The API gives programs what pages give people, in the same limits, and no more."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.model.hub_access import Role
from harness.model.obligation import Lane, Obligation, ObligationKind, Party
from harness.store.hub.repository import Repository
from harness.store.registry.streams import Registry
from reports.dashboard.api.exports import MODELS, export_routes
from reports.dashboard.api.follow_up import follow_up_routes
from reports.dashboard.api.metrics import METRICS, RequestMetrics, metrics_routes
from reports.dashboard.api.results import result_routes
from reports.dashboard.rate_limit import RateLimit
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    BRIGHTWATER,
    HIDDEN_VALUE,
    MEASURED,
    NORTHGATE,
    SECRET,
    THEIRS,
    campaigns_registry,
)
from test_suites.kit.hubs.hub_serving import NOW, app_of, viewers_of
from test_suites.kit.hubs.upload_desk import AppClient

ASSESSOR, SUPPLIER = Role.ASSESSOR.value, Role.SUPPLIER.value
RESULTS = {Role.SCHEME_OWNER, Role.ASSESSOR, Role.DECISION_MAKER, Role.SUPPLIER}
LISTS = ("/api/v1/campaigns", "/api/v1/outcomes", "/api/v1/plans", "/api/v1/decisions",
         "/api/v1/alarms")  # fmt: skip
DUE = Obligation(
    id="P-0001-plan", kind=ObligationKind.PLAN, what="the fix", supplier="Northgate",
    service="SchoolShield DNS", about="P-0001", due=NOW, lane=Lane.SOON, party=Party.SUPPLIER,
    who="Northgate", act="claim the fix",
)  # fmt: skip


class ApiWorld:
    """The API over the example of items; secrets of tokens are the names of roles."""

    def __init__(self, registry: Registry, limit: RateLimit | None = None) -> None:
        repository, rate = Repository(registry), limit or RateLimit(10**6, 10**6)
        self.requests = RequestMetrics()
        routes = (
            result_routes(repository, rate),
            export_routes(repository, rate),
            follow_up_routes(repository, lambda _: (DUE,), lambda: NOW, rate),
            metrics_routes(repository, lambda: {"alive": 2, "silent": 1}, self.requests),
        )
        viewers = viewers_of(frozenset({NORTHGATE}), frozenset({"Moorside"}))
        self.app = app_of(registry, routes, viewers)

    def get(self, path: str, who: str = ASSESSOR, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {who}"} if who else {}
        return AppClient(self.app, headers).ask("GET", path, **more)

    def rows(self, path: str, who: str = ASSESSOR, limit: int = 500) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            answer = self.get(path, who, params={"limit": limit, "after": after})
            assert answer.status_code == 200, answer.text
            found += answer.json()["rows"]
            after = answer.json()["next"] or ""
            if not after:
                return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with campaigns_registry(tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.fixture(scope="module")
def api(registry: Registry) -> ApiWorld:
    return ApiWorld(registry)


def items_path(campaign: str = AFTER, stream: str = "supplier:northgate") -> str:
    return f"/api/v1/campaigns/{stream}/{campaign}/items"


@pytest.mark.parametrize("path", [*LISTS, items_path(), "/api/v1/exports/items.csv", "/metrics"])
def test_nobody_reads_without_signing_in(api: ApiWorld, path: str) -> None:
    for answer in (api.get(path, ""), api.get(path, "unknown")):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["title"] == "Please sign in"


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.PUBLIC])
def test_each_role_reads_what_it_may(api: ApiWorld, role: Role) -> None:
    for path in (*LISTS, f"/api/v1/campaigns/supplier:northgate/{AFTER}", "/metrics"):
        assert (200 if role in RESULTS else 404) == api.get(path, role.value).status_code, path
    assert (200 if role in RESULTS else 404) == api.get(items_path(), role.value).status_code


def test_a_supplier_reads_its_own_rows_alone(api: ApiWorld) -> None:
    for table in ("campaigns", "outcomes"):
        seen = {row["stream"] for row in api.rows(f"/api/v1/{table}", SUPPLIER)}
        assert {NORTHGATE} == seen
        assert {NORTHGATE, BRIGHTWATER} == {row["stream"] for row in api.rows(f"/api/v1/{table}")}
    theirs = f"/api/v1/campaigns/supplier:brightwater~sltd/{THEIRS}"
    for path in (theirs, f"{theirs}/outcomes", f"{theirs}/items"):
        assert 200 == api.get(path).status_code
        assert api.get(path, SUPPLIER).content == api.get(f"{path[:20]}/x/y", SUPPLIER).content
    for table in MODELS:
        text = api.get(f"/api/v1/exports/{table}.jsonl", SUPPLIER).text
        assert text
        assert "brightwater" not in text
    assert "brightwater" not in api.get("/metrics", SUPPLIER).text


def test_hidden_items_have_no_name_and_secrets_are_nowhere(api: ApiWorld) -> None:
    named, withheld = api.rows(items_path()), api.rows(items_path(), SUPPLIER)

    assert any(HIDDEN_VALUE in row["value"] for row in named)
    hidden = [row for row in withheld if row["is_withheld"]]
    assert hidden
    assert {(row["value"], row["tried_at"]) for row in hidden} == {("", None)}
    assert len(named) == len(withheld)
    for form in ("csv", "jsonl"):
        text = api.get(f"/api/v1/exports/items.{form}", SUPPLIER).text
        assert HIDDEN_VALUE not in text
        assert SECRET not in text
        assert SECRET not in api.get(f"/api/v1/exports/items.{form}").text


@pytest.mark.parametrize("path", ["/api/v1/outcomes", items_path()])
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_of_any_size_give_each_row_once(api: ApiWorld, path: str, limit: int) -> None:
    whole = api.rows(path)

    assert whole == api.rows(path, limit=limit)
    assert len(whole) == len({msgspec.json.encode(row) for row in whole}) > 3


def test_rows_can_be_chosen(api: ApiWorld) -> None:
    def campaigns(**asked: str) -> set[str]:
        answer = api.get("/api/v1/campaigns", params=asked)
        return {row["campaign"] for row in answer.json()["rows"]}

    since = MEASURED[THEIRS].isoformat()
    assert campaigns(since=since) == {THEIRS, AFTER}
    assert campaigns(until=since) == {BEFORE}
    assert campaigns(service="SchoolShield DNS") == {BEFORE, AFTER, THEIRS}
    assert campaigns(service="x") == campaigns(state="conforms") == set()
    blocked = api.get(items_path(), params={"state": "blocked"}).json()["rows"]
    assert {row["state"] for row in blocked} == {"blocked"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/campaigns?limit=0", 422),
        ("/api/v1/campaigns?limit=501", 422),
        ("/api/v1/campaigns?since=2026-01-01T00:00:00", 400),
        ("/api/v1/campaigns?since=yesterday", 422),
        ("/api/v1/campaigns?since=0001-01-01T00:00:00%2B14:00", 400),
        ("/api/v1/campaigns?after=%FF", 400),
        ("/api/v1/campaigns?after=WzFd", 400),
        ("/api/v1/campaigns?service=%00", 404),
        ("/api/v1/exports/people.csv", 422),
        ("/api/v1/exports/items.exe", 422),
        ("/api/v1/nothing", 404),
    ],
)
def test_a_faulty_request_is_refused_in_json(api: ApiWorld, path: str, status: int) -> None:
    answer = api.get(path)

    assert status == answer.status_code, answer.text
    assert {"title", "detail"} == answer.json().keys()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=60))
def test_no_cursor_or_foreign_name_breaks_or_leaks(
    api: ApiWorld, stream: str, campaign: str, after: str
) -> None:
    answer = api.get("/api/v1/outcomes", SUPPLIER, params={"after": after, "service": stream})
    assert answer.status_code in (200, 400, 404)
    assert "brightwater" not in answer.text
    path = httpx.URL("http://hub.test").copy_with(
        raw_path=b"/api/v1/campaigns/"
        + b"/".join(
            base64.b16encode(each.encode("utf-8", "replace")) for each in (stream, campaign)
        )
    )
    assert api.get(str(path), SUPPLIER).status_code in (200, 404)


def test_whole_tables_are_the_same_in_each_form(api: ApiWorld, tmp_path: Path) -> None:
    for table, model in MODELS.items():
        lines = api.get(f"/api/v1/exports/{table}.jsonl").content.splitlines()
        plain = [msgspec.json.decode(line) for line in lines]
        read = list(csv.DictReader(io.StringIO(api.get(f"/api/v1/exports/{table}.csv").text)))
        (tmp_path / "t.parquet").write_bytes(api.get(f"/api/v1/exports/{table}.parquet").content)
        with duckdb.connect() as connection:
            found = connection.execute(f"SELECT * FROM '{tmp_path}/t.parquet'")
            names = [each[0] for each in found.description]
            rows = found.fetchall()
        assert [*model.model_fields] == names == [*plain[0]] == [*read[0]]
        assert len(rows) == len(plain) == len(read) > 1
        assert [row[names.index("campaign")] for row in rows] == [e["campaign"] for e in plain]
        numbers = [each for each in names if each in ("number", "observations")]
        for name in numbers:
            assert [row[names.index(name)] for row in rows] == [each[name] for each in plain]
            assert [str(each[name]) for each in plain] == [each[name] for each in read]


def test_no_cell_of_a_csv_is_a_formula(api: ApiWorld) -> None:
    for table in MODELS:
        for row in csv.reader(io.StringIO(api.get(f"/api/v1/exports/{table}.csv").text)):
            assert not any(cell[:1] in ("=", "+", "-", "@", "\t") for cell in row)


def test_a_calendar_program_signs_in_by_basic(api: ApiWorld) -> None:
    pair = base64.b64encode(b"anything:assessor").decode()
    answer = AppClient(api.app, {"Authorization": f"Basic {pair}"}).ask(
        "GET", "/api/v1/calendar.ics"
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert b"BEGIN:VEVENT" in answer.content
    for wrong in ("Basic !!!", "Basic /w==", "Basic", "Digest x"):
        refused = AppClient(api.app, {"Authorization": wrong}).ask("GET", "/api/v1/calendar.ics")
        assert refused.status_code == 401
    page = AppClient(api.app, {"Authorization": f"Basic {pair}"}).ask("GET", "/campaigns")
    assert page.status_code == 404  # there is no such page here, and no token signs in at pages


def test_metrics_have_labels_of_places_and_never_an_address(api: ApiWorld) -> None:
    text = api.get("/metrics").text
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}

    assert {name.removesuffix("_total") for name in METRICS} == {
        name.removesuffix("_total") for name in names if not name.endswith("_created")
    }
    assert 'category="DRUG"' in text
    assert 'vantage="Moorside"' in text
    assert 'accredit_agents{state="silent"} 1.0' in text
    assert "canary.accredit.test" not in text
    assert "http" not in text.replace("accredit_http", "")


def test_too_many_requests_are_told_to_wait(registry: Registry) -> None:
    seconds = [0.0]
    api = ApiWorld(registry, RateLimit(60, 3, lambda: seconds[0]))

    left = [api.get("/api/v1/campaigns") for _ in range(4)]
    assert [200, 200, 200, 429] == [each.status_code for each in left]
    assert ["2", "1", "0"] == [each.headers["ratelimit-remaining"] for each in left[:3]]
    assert "1" == left[3].headers["retry-after"]
    assert 200 == api.get("/api/v1/campaigns", SUPPLIER).status_code, "another person"
    seconds[0] = 1.0
    assert [200, 429] == [api.get("/api/v1/campaigns").status_code for _ in range(2)]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100)), max_size=60))
def test_no_caller_gets_more_than_its_share(asked: list[tuple[int, float]]) -> None:
    seconds = [0.0]
    limit = RateLimit(60, 5, lambda: seconds[0])
    taken: dict[int, int] = {}
    for caller, later in asked:
        seconds[0] += later
        try:
            limit.take(str(caller))
        except Exception:  # noqa: BLE001 - TooMany
            continue
        taken[caller] = taken.get(caller, 0) + 1

    assert all(count <= 5 + seconds[0] for count in taken.values())


def test_the_description_names_each_route_and_its_refusals(api: ApiWorld) -> None:
    described = api.get("/openapi.json", "").json()

    assert described["info"]["title"] == "Accredit hub"
    paths = described["paths"]
    assert {"/api/v1/campaigns", "/api/v1/exports/{table}.{form}", "/api/v1/calendar.ics"} <= {
        *paths
    }
    assert all(path.startswith("/api/v1/") for path in paths)
    for operations in paths.values():
        for operation in operations.values():
            assert {"401", "404", "429"} <= {*operation["responses"]}
