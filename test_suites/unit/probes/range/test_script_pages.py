"""Pages that come by scripts: nothing that is sent for them shows the page as HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.model.marker import token_for, words_for
from probes.net.delivery import find_words
from probes.range.origin_pages import Page, Pages
from probes.range.script_pages import IV_BYTES, PREFIX, script_page

KEY = b"k" * 16
HOST = "cv-110.ways.accredit.test"
NONCE = "0123456789abcdef" * 2
PAGE = Pages(key=KEY).page(HOST, "/", "http", NONCE)
TOKEN = token_for(KEY, HOST, NONCE)
WORDS = [word for group in ("attempt", "host", "piece") for word in words_for(KEY, HOST, NONCE, group)]  # fmt: skip


def sent(path: str, nonce: str = NONCE) -> Page:
    page = script_page(f"{PREFIX}{path}", PAGE, nonce)
    assert page is not None
    return page


@pytest.mark.parametrize("path", ["json", "sealed", "blob", "kept/", "kept/worker", "kept/page"])
def test_what_is_sent_first_shows_nothing_of_the_page(path: str) -> None:
    page = sent(path)

    assert TOKEN.encode() not in page.body
    assert find_words(page.body, page.content_type, WORDS) == ()
    assert TOKEN.encode() in PAGE.body


@pytest.mark.parametrize("path", ["json/data", "kept/data"])
def test_the_page_is_sent_as_json(path: str) -> None:
    page = sent(path)

    assert page.content_type == "application/json"
    assert json.loads(page.body) == {"page": PAGE.body.decode()}
    assert page.headers == PAGE.headers


def test_the_page_is_encrypted_with_the_nonce_as_the_key() -> None:
    found = re.search(rb"bytes\('([^']+)'\)", sent("sealed").body)
    assert found is not None
    sealed = base64.b64decode(found[1])

    def opened(word: str) -> bytes:
        key = AESGCM(hashlib.sha256(word.encode()).digest())
        return key.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], None)

    assert opened(NONCE) == PAGE.body
    with pytest.raises(InvalidTag):
        opened("")


def test_the_pieces_are_the_page_backwards() -> None:
    found = re.search(rb"\.\.\.'([^']+)'", sent("blob").body)

    assert found is not None
    assert base64.b64decode(found[1][::-1]) == PAGE.body


def test_the_kept_page_comes_from_nowhere_but_the_worker() -> None:
    assert (sent("kept/page").status, sent("kept/page").body) == (404, b"")
    assert sent("kept/worker").content_type == "text/javascript"


@pytest.mark.parametrize("path", ["/", "/script", "/script/", "/script/kept", "/x/script/json"])
def test_other_paths_have_no_such_page(path: str) -> None:
    assert script_page(path, PAGE, NONCE) is None


def test_a_query_changes_nothing() -> None:
    assert script_page("/script/json/data?a=b", PAGE, NONCE) == sent("json/data")
