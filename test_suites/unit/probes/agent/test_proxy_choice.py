"""Proxies are named, found in a PAC file or in the environment; passwords are never shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from probes.agent.proxy_choice import (
    NO_PROXY,
    FixedProxy,
    ProxyChoice,
    ProxyOptions,
    read_credentials,
    read_proxy,
    read_proxy_choice,
)
from probes.agent.proxy_server import Credentials

HUB = "https://hub.accredit.test/agent/v1/time"
PASSWORD = "Frogs:and%40toads"


def private(tmp_path: Path, content: str | bytes, mode: int = 0o600) -> str:
    path = tmp_path / "credentials"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return str(path)


def only(choice: ProxyChoice) -> tuple[str, Credentials | None]:
    (server,) = choice.servers(HUB)
    assert server is not None
    return server.url, server.credentials


def test_without_options_there_is_no_proxy() -> None:
    assert NO_PROXY == read_proxy_choice(ProxyOptions(), {"HTTPS_PROXY": "http://p:1"})
    assert (None,) == NO_PROXY.servers(HUB)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.school.example:8080", "http://proxy.school.example:8080"),
        ("https://proxy.school.example", "https://proxy.school.example:3129"),
        ("proxy.school.example:8080", "http://proxy.school.example:8080"),
        ("proxy.school.example", "http://proxy.school.example:3128"),
        ("http://[::1]:3128", "http://[::1]:3128"),
    ],
)
def test_a_proxy_is_named(text: str, url: str) -> None:
    assert (url, None) == only(read_proxy_choice(ProxyOptions(proxy=text)))


def test_credentials_of_the_file_go_before_those_of_the_url(tmp_path: Path) -> None:
    options = ProxyOptions(
        proxy="http://other:word@p:1", credentials=private(tmp_path, f"us\xe9r:{PASSWORD}\r\n")
    )

    url, credentials = only(read_proxy_choice(options))

    assert ("http://p:1", Credentials(name="us\xe9r", password=PASSWORD)) == (url, credentials)


def test_credentials_of_a_url_are_decoded() -> None:
    _, credentials = only(read_proxy_choice(ProxyOptions(proxy="http://us%40er:pa%3Ass@p:1")))

    assert Credentials(name="us@er", password="pa:ss") == credentials


@pytest.mark.parametrize(
    "text",
    ["socks5://n:Frogs@p:1", "http://n:Frogs@", "http://n:Frogs@p:99999", "n:Frogs@p:x",
     "http://n:Fro\ngs%0a@p:1", "http://n%3Ax:Frogs@p:1"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_proxy(text, "the proxy")

    assert "Frogs" not in str(caught.value)
    assert not any("Frogs" in str(argument) for argument in caught.value.args)


def test_nothing_shows_a_password(tmp_path: Path) -> None:
    options = ProxyOptions(
        proxy="http://name:Frogs@p:1", credentials=private(tmp_path, f"name:{PASSWORD}")
    )
    choice = read_proxy_choice(options)
    (server,) = choice.servers(HUB)

    assert isinstance(choice, FixedProxy)
    assert server is not None
    for shown in (options, choice, server, server.credentials, server.url, server.place):
        assert "Frogs" not in repr(shown)
        assert "name:" not in str(shown)


@pytest.mark.parametrize(
    "content", ["", "Frogs", ":Frogs", b"\xff:Frogs", "a\x00:Frogs", "a:Frogs\nb:Toads"]
)
def test_a_file_without_credentials_is_refused_without_quoting_it(
    tmp_path: Path, content: str | bytes
) -> None:
    with pytest.raises(UsageError) as caught:
        read_credentials(private(tmp_path, content))

    assert "Frogs" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="other users can read it; run: chmod 600"):
        read_credentials(private(tmp_path, "a:b", 0o640))


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_credentials(str(tmp_path / "none"))


@pytest.mark.parametrize(
    "options",
    [
        ProxyOptions(proxy="http://p:1", pac="proxy.pac"),
        ProxyOptions(proxy="http://p:1", environment=True),
        ProxyOptions(pac="proxy.pac", environment=True),
    ],
)
def test_there_is_one_source_of_proxies(options: ProxyOptions) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        read_proxy_choice(options)


def test_credentials_without_a_proxy_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of no use without a proxy"):
        read_proxy_choice(ProxyOptions(credentials=private(tmp_path, "a:b")))


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1", "http_proxy": "q:2"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "accredit.test"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({}, None),
    ],
)
def test_the_environment_is_heeded_if_asked(variables: dict[str, str], found: str | None) -> None:
    (server,) = read_proxy_choice(ProxyOptions(environment=True), variables).servers(HUB)

    assert found == (server.url if server is not None else None)


def test_a_faulty_variable_is_named_and_not_quoted() -> None:
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY cannot be used") as caught:
        read_proxy_choice(ProxyOptions(environment=True), {"HTTPS_PROXY": "socks5://n:Frogs@p:1"})

    assert "Frogs" not in str(caught.value)


def test_a_pac_file_is_a_source_of_proxies(tmp_path: Path, pac: Callable[[str], str]) -> None:
    options = ProxyOptions(
        pac=pac('return "PROXY p:8080";'), credentials=private(tmp_path, "name:Frogs")
    )
    url, credentials = only(read_proxy_choice(options))

    assert ("http://p:8080", Credentials(name="name", password="Frogs")) == (url, credentials)
