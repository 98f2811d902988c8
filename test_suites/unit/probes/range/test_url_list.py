"""The reference filter's list of URLs: equivalent spellings match, other pages and defects do not."""

from __future__ import annotations

import pytest

from probes.range.url_list import Defect, UrlList

HOST = "quiet-pond.accredit.test"
LONG = f"/{'a' * 300}"
PATHS = ("/a%20b", "/x:y", "/s?q=1&b=/c?d", "/100%25/%c3%a9%7E", LONG)
LIST = {f"http://{HOST}{path}": "ILL.CSAM" for path in PATHS}


def test_entries_match_in_equivalent_spellings_and_no_other_page_does() -> None:
    urls = UrlList(LIST)

    assert {urls.code_of(HOST, path) for path in PATHS} == {"ILL.CSAM"}
    assert urls.code_of(HOST.upper() + ":80", "/100%25/%C3%A9~") == "ILL.CSAM"
    for path in ("/", "/a", "/a b", "/s", "/s?q=1", "/100%2525/%c3%a9%7E", "/x:y/", LONG[:-1]):
        assert urls.code_of(HOST, path) == ""
    assert urls.code_of("other.accredit.test", "/x:y") == ""


@pytest.mark.parametrize(
    ("defect", "path"),
    [("long", LONG), ("space", "/a%20b"), ("colon", "/x:y"), ("query", PATHS[2]),
     ("percent", PATHS[3])],
)  # fmt: skip
def test_a_defect_loses_its_entries(defect: Defect, path: str) -> None:
    urls = UrlList(LIST)
    urls.defects = {defect}

    assert urls.code_of(HOST, path) == ""
    assert urls.code_of(HOST, LONG if defect != "long" else "/x:y") == "ILL.CSAM"


def test_a_filter_without_paths_blocks_the_whole_site() -> None:
    urls = UrlList(LIST)
    urls.defects = {"whole_site"}

    assert urls.code_of(HOST, "/") == "ILL.CSAM"
    assert urls.code_of("other.accredit.test", "/") == ""
