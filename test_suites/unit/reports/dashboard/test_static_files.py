"""Static files: addresses with versions, long caching, licences, and no style or code in pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.model.hub_access import Role
from harness.store.hub.repository import Repository
from reports.dashboard.static_files import FOLDER, static_files, static_url
from test_suites.kit.hubs.hub_page_sets import PAGE_SETS
from test_suites.kit.hubs.hub_pages import example_routes, example_viewers, filled_registry
from test_suites.kit.hubs.hub_serving import Asker, app_of

INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]* src=\"/static/)|javascript:", re.IGNORECASE
)
ADDRESSES = re.compile(r'(?:href|src|action)="([^"]*)"')


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    with filled_registry(tmp_path_factory.mktemp("hub")) as registry:
        return Asker(app_of(registry, example_routes(Repository(registry)), example_viewers()))


def test_a_file_by_its_version_is_kept_for_good_and_checked_by_its_tag(asker: Asker) -> None:
    for name, file in static_files().items():
        named, plain = asker.get(static_url(name)), asker.get(f"/static/{name}")
        tag = named.headers["etag"]
        again = asker.get(f"/static/{name}", headers={"if-none-match": tag})

        assert file.content == named.content == plain.content
        assert "immutable" in named.headers["cache-control"]
        assert "max-age=3600" in plain.headers["cache-control"]
        assert (304, b"") == (again.status_code, again.content)
        assert "nosniff" == named.headers["x-content-type-options"]


@pytest.mark.parametrize(
    "name", ["nothing.css", "..%2fapp.py", "htmx.LICENSE", "%2e%2e/app.py", "hub.css%00", ""]
)
def test_no_other_file_is_given(asker: Asker, name: str) -> None:
    assert 404 == asker.get(f"/static/{name}").status_code


def test_fonts_in_the_stylesheet_have_their_versions() -> None:
    sheet = static_files()["hub.css"].content.decode()

    addresses = re.findall(r'url\("([^"]+)"\)', sheet)
    assert {static_url("inter-latin.woff2"), static_url("inter-latin-ext.woff2")} == set(addresses)
    assert "http:" not in sheet
    assert "https:" not in sheet


def test_what_others_made_has_its_licence_beside_it_and_is_small() -> None:
    assert "Zero-Clause BSD" in (FOLDER / "htmx.LICENSE").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in (FOLDER / "inter.LICENSE").read_text(encoding="utf-8")
    assert 150_000 > sum(path.stat().st_size for path in FOLDER.glob("*.woff2"))
    assert 40_000 > (FOLDER / "htmx.min.js").stat().st_size


@pytest.mark.parametrize("name", PAGE_SETS)
def test_pages_have_no_inline_style_or_script_and_ask_this_host_alone(
    name: str, tmp_path: Path
) -> None:
    with PAGE_SETS[name](tmp_path) as made:
        for shown in made.pages:
            answer = Asker(made.app).get(shown.path, shown.role)

            assert None is INLINE.search(answer.text), shown
            assert [] == [each for each in ADDRESSES.findall(answer.text) if each[:1] not in "/#"]
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "no-store" == answer.headers["cache-control"]


def test_no_template_marks_text_as_safe() -> None:
    for path in Path(FOLDER.parent / "templates").glob("*.j2"):
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", ""), path.name
        assert "autoescape" not in text, path.name


def test_who_signed_in_is_named_in_the_bar_and_may_sign_out(asker: Asker) -> None:
    shown = asker.get("/states", Role.ASSESSOR).text

    assert "Ama Owusu" in shown
    assert '<form method="post" action="/sign-out">' in shown
    assert "/sign-out" not in asker.get("/states").text
