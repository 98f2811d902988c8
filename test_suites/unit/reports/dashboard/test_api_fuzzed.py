"""The API, asked in every way that its description allows and forbids (schemathesis).

No answer is an error of the server, and each is as the description says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from harness.model.hub_access import Role
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.hub_items_example import campaigns_registry
from test_suites.kit.hubs.upload_desk import UploadDesk
from test_suites.unit.reports.dashboard.test_results_api import ApiWorld

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = (
    "/api/v1/campaigns", "/api/v1/campaigns/{stream}/{campaign}",
    "/api/v1/campaigns/{stream}/{campaign}/outcomes",
    "/api/v1/campaigns/{stream}/{campaign}/items", "/api/v1/outcomes", "/api/v1/plans",
    "/api/v1/decisions", "/api/v1/alarms", "/api/v1/calendar.ics",
    "/api/v1/exports/{table}.{form}",
)  # fmt: skip


SETTINGS = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with campaigns_registry(tmp_path_factory.mktemp("fuzzed")) as registry:
        yield ApiWorld(registry)


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("who", [Role.ASSESSOR, Role.SUPPLIER, Role.SCHOOL])
def test_every_answer_is_as_described(world: ApiWorld, path: str, who: Role) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", world.app)
    operation = schema[path]["GET"]
    headers = {"Authorization": f"Bearer {who}"}

    @SETTINGS
    @given(case=st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode)))
    def ask(case: Any) -> None:
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)

    ask()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path_factory.mktemp("hub")).make()
    with example.running(lambda _: None) as opened:
        yield UploadDesk(example, opened)


@pytest.mark.parametrize("who", ["ama", "ravi", "grace", ""])
def test_uploads_are_as_described_in_the_whole_application(hub: UploadDesk, who: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", hub.app())
    described: Any = schema.get_all_operations()
    operations = [each.ok() for each in described if "uploads" in each.ok().path]
    assert len(operations) > 3
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    for operation in operations:
        if operation.path.endswith("/events"):
            continue  # it goes on until the upload has ended

        @SETTINGS
        @given(case=st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode)))
        def ask(case: Any) -> None:
            response = case.call(headers=headers)
            case.validate_response(response, checks=CHECKS)

        ask()
