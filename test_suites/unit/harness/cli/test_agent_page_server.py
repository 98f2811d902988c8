"""The page of an agent is served on the loopback address alone, and only to this device."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from harness.cli.agent_page_server import serving_page
from harness.errors import UsageError


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving_page(0, lambda: "<p>a pupil's computer é</p>") as taken:
        yield taken


def answer(
    port: int, method: str = "GET", path: str = "/", **headers: str
) -> tuple[HTTPResponse, str]:
    """The answer to a request, and its body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:{port}", "localhost:{port}"])
def test_it_is_given_to_this_device(port: int, host: str) -> None:
    response, body = answer(port, Host=host.format(port=port))

    assert (200, "<p>a pupil's computer é</p>") == (response.status, body)
    assert "text/html; charset=utf-8" == response.headers["Content-Type"]


HOSTS = ("evil.example", "evil.example:8642", "127.0.0.1.evil.example", "localhost.evil", "[::1]:80",
         "192.0.2.1", "", ":8642", "127.0.0.1:80:90", "127.0.0.1@evil.example", "LOCALHOST.")  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_is_refused_as_a_foreign_page_would_ask_by_it(port: int, host: str) -> None:
    response, body = answer(port, Host=host)

    assert 403 == response.status
    assert "pupil" not in body


@pytest.mark.parametrize("path", ["/x", "/?x", "/../etc/passwd", "/%2e%2e", "/favicon.ico"])
def test_there_is_one_page(port: int, path: str) -> None:
    response, body = answer(port, path=path)
    assert (404, "there is one page: /") == (response.status, body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "X"])
def test_it_can_only_be_read(port: int, method: str) -> None:
    response, body = answer(port, method)
    assert (501, "this page can only be read") == (response.status, body)


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/x"), ("POST", "/")])
def test_every_answer_forbids_scripts_frames_and_caches(port: int, method: str, path: str) -> None:
    headers = answer(port, method, path)[0].headers

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in policy
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "no-store" == headers["Cache-Control"]
    assert "no-referrer" == headers["Referrer-Policy"]
    assert "Python" not in headers["Server"]


def test_what_is_no_request_is_refused(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\x16\x03\x01 nonsense \xff\r\n\r\n")
        assert b"pupil" not in connection.recv(65536)
    assert 200 == answer(port)[0].status
    assert "" == capfd.readouterr().err


def test_it_listens_on_the_loopback_address_alone(port: int) -> None:
    addresses = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None)}
    for address in addresses - {"127.0.0.1", "::1"}:
        with pytest.raises(OSError), socket.create_connection((str(address), port), timeout=5):
            pass


def test_a_port_that_is_taken_is_refused_in_one_sentence(port: int) -> None:
    with (
        pytest.raises(UsageError, match=f"port {port}.*choose another --page"),
        serving_page(port, lambda: ""),
    ):
        pass


def test_the_port_is_free_afterwards() -> None:
    with serving_page(0, lambda: "") as taken:
        pass
    with serving_page(taken, lambda: "again"):
        assert "again" == answer(taken)[1]
