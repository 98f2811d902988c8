"""No unsafe request reaches a page without the token of its session, and every answer is guarded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InstrumentError, UsageError
from harness.model.hub_access import Permission, Role
from reports.dashboard.access import AnyViewer, Refusal, require
from reports.dashboard.app import HEADERS
from reports.dashboard.forms import MOST_BYTES, Posted, form_token, is_token, read_form
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.web_example import URL, Browser, WebExample, web_example

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_routes() -> APIRouter:
    """Pages and an API that do something, and cannot know whether they were forgotten."""
    router = APIRouter()

    @router.api_route("/act", methods=[*UNSAFE])
    def act(form: Posted) -> dict[str, Any]:
        return {"reason": form.text("reason"), "all": form.all("each")}

    @router.post("/file")
    def take_file() -> dict[str, str]:
        return {"taken": "yes"}

    @router.api_route("/api/v1/act", methods=[*UNSAFE])
    def act_by_api(viewer: AnyViewer) -> dict[str, str]:
        require(viewer, Permission.UPLOAD)
        return {"by": viewer.name}

    @router.get("/fails/{how}")
    def fail(how: str) -> None:
        raise {"usage": UsageError("secret 1"), "trouble": InstrumentError("secret 2")}.get(
            how, ValueError("secret 3")
        )

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> Any:
            yield "one"
            yield "two"

        return StreamingResponse(parts(), media_type="text/event-stream")

    return router


test_routes.__test__ = False  # type: ignore[attr-defined]  # it is no test


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make(), routes=test_routes()) as made:
        yield made


@pytest.fixture
def browser(web: WebExample) -> Browser:
    return web.signed_in()


def refused(answer: Any) -> bool:
    return answer.status_code == 403 and "nothing was done" in answer.text


def paths_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the application says it has, by asking each route."""
    found = []
    for route in _flat(app.routes):
        path = route.path.replace("{", "").replace("}", "")
        found += [(method, path) for method in sorted(route.methods or ()) if method in UNSAFE]
    return found


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _flat(route.original_router.routes)
        elif getattr(route, "path", None) is not None:
            yield route


def test_every_unsafe_route_refuses_without_the_token(web: WebExample, browser: Browser) -> None:
    paths = paths_of(web.fastapi)
    assert {"/act", "/file", "/sign-in", "/sign-out", "/sign-in/code"} <= {
        path for _, path in paths
    }
    for visitor in (browser, web.browser()):
        for method, path in paths:
            if path.startswith("/agent/"):
                continue
            for fields in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "\u00e9"}):
                answer = visitor.client.request(method, path, data=fields)
                is_token_api = path.startswith("/api/") and visitor is not browser
                assert refused(answer) or (is_token_api and answer.status_code == 401), path
            files = {"file": ("a", b"x")}
            answer = visitor.client.request(method, path, files=files, data={"csrf": "x"})
            assert refused(answer) or is_token_api, path


@pytest.mark.parametrize("method", UNSAFE)
def test_a_form_with_the_token_of_its_session_arrives(browser: Browser, method: str) -> None:
    fields = {"csrf": browser.csrf("/states"), "reason": " why\r\nnot ", "each": ["a", "b"]}
    answer = browser.client.request(method, "/act", data=fields)
    assert {"reason": "why\nnot", "all": ["a", "b"]} == answer.json()


def test_the_token_of_another_session_is_none(web: WebExample, browser: Browser) -> None:
    other = web.signed_in(Role.SCHEME_OWNER)
    assert refused(browser.post("/act", {"csrf": other.csrf("/states")}))
    assert refused(browser.post("/act", {"csrf": form_token("planted")}))


def test_a_session_that_ended_sends_nothing(web: WebExample, browser: Browser) -> None:
    token = browser.csrf("/states")
    web.accounts.own.revoke_sessions(web.accounts.own.sessions()[0].person.id, actor="x")
    assert refused(browser.post("/act", {"csrf": token}))


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({"Origin": URL}, False),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "https://hub.example.org.evil.example"}, True),
        ({"Origin": "https://hub.example.org:444"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://["}, True),
        ({"Origin": ""}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": URL}, True),
        ({}, False),
    ],
)
def test_a_page_of_another_site_is_refused(
    browser: Browser, headers: dict[str, str], is_refused: bool
) -> None:
    fields = {"csrf": browser.csrf("/states")}
    answer = browser.post("/act", fields, headers=headers)
    assert is_refused == refused(answer)


def test_a_file_carries_the_token_in_its_address(browser: Browser) -> None:
    token, files = browser.csrf("/states"), {"file": ("a.zip", b"x")}
    assert {"taken": "yes"} == browser.client.post(f"/file?csrf={token}", files=files).json()
    assert refused(browser.client.post("/file", files=files, data={"csrf": token}))
    header = {"X-CSRF-Token": token}
    assert {"taken": "yes"} == browser.client.post("/file", files=files, headers=header).json()


def test_the_api_takes_a_token_and_a_session_only_with_its_token(
    web: WebExample, browser: Browser
) -> None:
    person = web.accounts.accounts.all()[0]
    made = web.accounts.own.make_token(person.id, "x", ["upload"], 1, actor="x")
    program = web.browser().client
    bearer = {"Authorization": f"Bearer {made.text}"}
    assert {"by": person.name} == program.post("/api/v1/act", headers=bearer).json()
    assert 401 == program.post("/api/v1/act", headers={"Authorization": "Bearer x"}).status_code
    assert refused(browser.client.post("/api/v1/act"))
    assert refused(browser.client.post(f"/api/v1/act?csrf={browser.csrf('/states')}"))
    header = {"X-CSRF-Token": browser.csrf("/states")}
    assert {"by": person.name} == browser.client.post("/api/v1/act", headers=header).json()


def test_a_token_opens_no_page(web: WebExample, browser: Browser) -> None:
    person = web.accounts.accounts.all()[0]
    made = web.accounts.own.make_token(person.id, "x", ["upload"], 1, actor="x")
    answer = web.browser().get("/states", headers={"Authorization": f"Bearer {made.text}"})
    assert person.name not in answer.text


def test_a_form_is_small_and_readable(browser: Browser) -> None:
    token = browser.csrf("/states")
    for body, status in (
        (f"csrf={token}&reason=" + "a" * MOST_BYTES, 413),
        ("&".join(["a=b"] * 501), 400),
        (f"csrf={token}&reason=%ff", 400),
        (b"csrf=\xff", 400),
        (f"csrf={token}&reason=%00", 400),
        (f"csrf={token}&reason=" + "a" * 1001, 400),
    ):
        assert status == browser.client.post("/act", content=body, headers=FORM).status_code


@given(body=st.binary(max_size=300))
def test_any_body_is_a_form_or_refused(body: bytes) -> None:
    with suppress(Refusal):
        form = read_form(body)
        assert len(form.text("a")) <= 300


@given(given_token=st.text(max_size=50))
def test_an_empty_token_is_never_right(given_token: str) -> None:
    assert not is_token("", given_token)
    assert is_token(given_token, given_token) == bool(given_token.encode("utf-8", "ignore"))


@pytest.mark.parametrize(("how", "status"), [("usage", 400), ("trouble", 503), ("other", 500)])
def test_nothing_of_an_error_leaves_the_process(
    web: WebExample, browser: Browser, how: str, status: int
) -> None:
    answer = browser.get(f"/fails/{how}")
    assert status == answer.status_code
    assert "secret" not in answer.text
    assert web.lines[-1].error
    assert HEADERS["Content-Security-Policy"] == answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/sign-in", "/absent", "/stream", "/static/hub.css", "/health/live", "/api/absent"]
)
def test_every_answer_has_the_headers(web: WebExample, path: str) -> None:
    answer = web.browser().get(path)
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert value == answer.headers[name]
    assert "Cache-Control" in answer.headers
    assert "max-age=31536000" == answer.headers["strict-transport-security"]


def test_a_host_that_looks_like_the_api_changes_nothing(browser: Browser) -> None:
    answer = browser.client.post("/act", headers={"Host": "x/api/"})
    assert refused(answer)
