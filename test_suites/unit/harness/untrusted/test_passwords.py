"""No password of a database is shown, however the URL spells it and whatever a driver says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.untrusted.passwords import (
    database_place,
    is_database,
    reason_without,
    without_passwords,
)

SECRET = "hunter-Zq7/x@y:z w"
SPELLED = [
    f"postgresql://me:{SECRET}@127.0.0.1:1/accredit",
    "postgresql://me:hunter-Zq7%2Fx%40y%3Az%20w@127.0.0.1:1/accredit",
    "postgresql+psycopg://me:hunter-Zq7@127.0.0.1:1/accredit",
    "postgresql://127.0.0.1:1/accredit?user=me&password=hunter-Zq7%2Fx",
    "postgresql://127.0.0.1:1/accredit?user=me&sslpassword=hunter-Zq7",
    "postgresql://me:hunter-Zq7",
    "postgresql://me:hunter-Zq7/accredit",
    "postgresql:/me:hunter-Zq7@127.0.0.1:1/accredit",
    "postgres:me:hunter-Zq7@127.0.0.1:1",
    "me:hunter-Zq7@127.0.0.1:1/accredit",
    "host=127.0.0.1:1 user=me password=hunter-Zq7",
    "host=127.0.0.1:1 user=me password = 'hunter-Zq7 \\'x'",
    "PASSWORD=hunter-Zq7 host=127.0.0.1:1",
]


@pytest.mark.parametrize("url", SPELLED)
def test_no_spelling_shows_the_password(url: str) -> None:
    assert is_database(url)
    assert "hunter" not in database_place(url)
    assert "Zq7" not in database_place(url)


@pytest.mark.parametrize("url", SPELLED)
@pytest.mark.parametrize(
    "said",
    [
        'invalid integer value "hunter-Zq7" for connection option "port"',
        'could not translate host name "er-Zq7@db.example" to address',
        "cannot connect to 'postgresql://me:hunter-Zq7@db.example'",
        "hunter%2DZq7",
    ],
)
def test_no_message_of_a_driver_shows_a_part_of_it(url: str, said: str) -> None:
    shown = reason_without(url, ValueError(said))

    assert "Zq7" not in shown
    assert "hunt" not in shown


def test_what_a_driver_says_otherwise_is_shown() -> None:
    error = ValueError('connection to "db.example" refused\nmore')

    assert 'connection to "db.example" refused' == reason_without(SPELLED[0], error)
    assert "ValueError" == reason_without("x", ValueError(""))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:pw12@db.example:5432/accredit", "postgresql://db.example/accredit"),
        ("postgresql+psycopg://me@db/accredit?sslmode=require", "postgresql+psycopg://db/accredit"),
        ("postgresql:///accredit", "postgresql:///accredit"),
        ("postgresql://me:pw@[::1]:5432/accredit", "postgresql://[::1]/accredit"),
        ("sqlite:///out/registry.sqlite", "sqlite:///out/registry.sqlite"),
        ("postgresql://me:accredit@db.example/accredit", "postgresql://***"),
        ("h\x1bttp://x\x1b", "***://***"),
    ],
)
def test_the_place_is_shown_where_that_is_safe(url: str, place: str) -> None:
    assert place == database_place(url)


@pytest.mark.parametrize(
    "path", ["out/registry.sqlite", "/srv/a=b/registry", "C:\\data\\x@y", "registry", "a:b"]
)
def test_a_path_is_no_database(path: str) -> None:
    assert not is_database(path)


@given(st.text().map(lambda text: f"zq7{text}"))
def test_whatever_the_password_no_message_holds_it(password: str) -> None:
    url = f"postgresql://me:{password}@db.example/accredit"

    assert password not in reason_without(url, ValueError(f"a {password} b"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pw@proxy:3128/", "http://***@proxy:3128/"),
        ("https://video.example/@someone", "https://video.example/@someone"),
        ("password=hunter2 host=x", "password=*** host=x"),
        ("?password=hunter2&x=1", "?password=***&x=1"),
        ("(password='a b')", "(password=***)"),
        ("a plain sentence", "a plain sentence"),
    ],
)
def test_texts_lose_the_passwords_that_show_themselves(text: str, shown: str) -> None:
    assert shown == without_passwords(text)
