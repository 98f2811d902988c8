"""Steps ``url`` and ``follow``: ask for a URL as a client that normalises nothing.

``url http://www.bbc.co.uk@{host:percent}./``. The host is read as clients do
(``probes.net.spelled_host``) for the DNS question and the connection alone: the request names it
as it is written. A proxy is asked for the whole URL. ``follow`` asks for the address that the
answer before it redirects to, if that is one of the origin.
"""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple

from probes.net.backend import client_settings_of
from probes.net.raw_http1 import read_answer
from probes.net.route import HIGHEST_PORT, client_tls_context
from probes.net.spelled_host import SpelledHost, read_host
from probes.net.url_target import DEFAULT_PORTS
from probes.techniques.placeholders import Placeholder, pieces_of
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import step

_URL = re.compile(r"(?:(https?):)?[/\\]+([^/\\?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_PORT = re.compile(r"(.*?)(?::([0-9]*))?", re.DOTALL)


class WrittenUrl(NamedTuple):
    """The parts of a URL. ``authority`` and ``path`` are as written, without user information."""

    text: str
    scheme: str
    authority: str
    host: SpelledHost
    port: int
    path: str


def read_url(text: str) -> WrittenUrl:
    """Read a URL as a client does. Raises ValueError if it names no host or port."""
    found = _URL.fullmatch(text)
    if found is None:
        msg = f"{text[:60]!r} is no URL: write 'http://', 'https://' or '//' and a host"
        raise ValueError(msg)
    scheme, named, path = (found[1] or "http").lower(), found[2], found[3]
    authority = named.rpartition("@")[2]
    parts = _PORT.fullmatch(authority)
    assert parts is not None, "any text matches"
    port = int(parts[2] or DEFAULT_PORTS[scheme])
    if not 0 < port <= HIGHEST_PORT:
        msg = f"{port} is not a port"
        raise ValueError(msg)
    return WrittenUrl(text, scheme, authority, read_host(parts[1]), port, path or "/")


@step("url")
def read_url_step(text: str) -> StepRun:
    """Read the template of a URL."""
    pieces = pieces_of(text)
    if not pieces or not isinstance(pieces[0], bytes) or not _BEGINNING.match(pieces[0]):
        raise ValueError("the URL begins with neither 'http:', 'https:' nor '//'")

    async def run(run: TechniqueRun) -> None:
        await send_url(run, run.text(pieces))

    return run


_BEGINNING = re.compile(rb"(?i:https?:)?[/\\]")


@step("follow")
def read_follow(text: str) -> StepRun:
    """Read nothing: the answer before says where to go."""
    if text:
        msg = f"it takes no options, but {text!r} is given"
        raise ValueError(msg)
    return follow


async def follow(run: TechniqueRun) -> None:
    """Ask for the address that the last answer redirects to; of other sites it stays the answer."""
    head = run.recorder.head
    location = head.header("location") if head is not None else ""
    try:
        url = read_url(location)
    except ValueError:
        return
    if not run.origin.covers(url.host.name):
        return
    run.stream, run.address, run.port = None, "", 0
    await send_url(run, location)


async def send_url(run: TechniqueRun, text: str) -> None:
    """Ask for a URL over the open stream, or a new one, and record the answer.

    Raises what a stream raises, EOFError, and ValueError for a URL that cannot be read.
    """
    url = read_url(text)
    recorder = run.recorder
    if run.stream is None:
        run.host, run.port = str(url.host), url.port
        run.address = run.address or url.host.address
    stream = await run.open(url.port, plain=url.scheme == "http")
    if url.scheme == "https":
        recorder.stage = "tls"
        await stream.start_tls(_trust(run), str(url.host).rstrip("."))
    recorder.stage = "request"
    target = url.text if run.is_proxied else url.path.partition("#")[0] or "/"
    headers = run.value(Placeholder("headers"))
    request = f"GET {target} HTTP/1.1\r\nHost: {url.authority}\r\n{headers}\r\n"
    data = request.encode("utf-8", "surrogateescape")
    run.note("url", run.where, data)
    await stream.write(data)
    recorder.stage = "response"
    recorder.head = None
    recorder.body.clear()
    await read_answer(stream, recorder)


def _trust(run: TechniqueRun) -> ssl.SSLContext:
    """Return whom the client of the line trusts."""
    settings = client_settings_of(run.line)
    return settings.trust if settings else client_tls_context(run.origin.authority)
