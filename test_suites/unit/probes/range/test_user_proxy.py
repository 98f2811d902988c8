"""The reference filter's users: who is known, who has to sign in, and who gets the default."""

from __future__ import annotations

import pytest

from probes.net.route import basic_authorization
from probes.range.connection import Request
from probes.range.user_proxy import RangeUser, UserDirectory

USERS = {
    "ann": RangeUser(profile="pupils", password="a:b"),
    "old": RangeUser(profile="staff", password="p", is_expired=True),
}


def asked(value: str) -> Request:
    headers = {"proxy-authorization": value} if value else {}
    return Request(method="GET", target="http://a.test/", headers=headers, lines=())


@pytest.mark.parametrize(
    ("value", "profile"),
    [
        (basic_authorization("ann", "a:b"), "pupils"),
        (basic_authorization("ann", "a"), ""),
        (basic_authorization("old", "p"), ""),
        (basic_authorization("nobody", "p"), ""),
        ("Bearer abc", ""),
        ("Basic !", ""),
        ("", "pupils"),
    ],
)
def test_only_a_known_user_with_a_valid_password_has_a_profile(value: str, profile: str) -> None:
    assert profile == UserDirectory(users=USERS, default="pupils").profile_of(asked(value))


def test_without_a_default_everybody_has_to_sign_in() -> None:
    assert "" == UserDirectory(users=USERS).profile_of(asked(""))
