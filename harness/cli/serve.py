"""``accredit serve``: answer the agents of a hub over HTTPS, until a signal ends it.

Reports of runs are recorded by one thread, beside the server: each is on the disk before it is
answered, and those that could not be recorded are tried again.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import queue
import shutil
import signal
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.hub_agents import AgentHub, OnReport, open_hub, recording
from harness.cli.hub_file import HubFile, read_hub
from harness.cli.hub_log import HubLog, logging_to
from harness.cli.hub_reports import StoredReport
from harness.cli.long_running import allow_many_files, alone_in
from harness.cli.printing import say, say_at_once, warn
from harness.cli.process import unexpected_message
from harness.cli.stream_states import StreamStates
from harness.errors import HarnessError, UsageError
from harness.measure.event_loop import infrequent_garbage_collection
from harness.model.hub_access import PUBLIC
from harness.ports.storage import Clock, WallClock
from harness.store.private_folder import make_private
from harness.store.registry.agent_store import ASIDE

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from harness.cli.hub_web import HubWork

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

AGAIN_AFTER = 600.0
"""Seconds until reports that could not be recorded are tried again."""

SCRATCH = "scratch"
"""The folder of a hub where bundles are unpacked."""

MOST_HEADERS = 16 * 1024
BACKLOG = 1024
"""How many connections may wait to be accepted."""
END_SECONDS = 5
"""How long requests may take to end at a stop."""


def serve_command(
    hub: Annotated[
        Path | None, typer.Option("--hub", help="The folder of the hub; default: hub.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: that of hub.yaml.")
    ] = None,
    host: Annotated[str, typer.Option(help="Default: that of hub.yaml.")] = "",
    certificate: Annotated[
        Path | None, typer.Option(help="A certificate in PEM; default: that of hub.yaml.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    *,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Serve a made-up hub on this machine; --hub keeps it in a new folder."
        ),
    ] = False,
) -> None:
    """Serve the pages of a hub, and answer its agents.

    It runs until it is stopped (Ctrl-C, SIGTERM). Without a certificate it speaks plain HTTP, for a
    reverse proxy on the same machine.
    """
    import fastapi  # noqa: F401, PLC0415 - an extra; that it is missing is said before anything

    if demo:
        from harness.cli.serve_demo import serve_demo  # noqa: PLC0415 - only for a demonstration

        if host or certificate or key:
            msg = "--demo serves on 127.0.0.1 alone, without TLS: remove --host and --certificate"
            raise UsageError(msg)
        serve_demo(hub, port, clock)
        return
    folder = hub or Path("hub")
    declared = read_hub(folder)
    tls = _certificate_of(declared, certificate, key)
    own_host, own_port = declared.address
    address = host or own_host, own_port if port is None else port
    serve_hub(folder, partial(listening, *address), tls)


def serve_hub(
    folder: Path,
    listen: Callable[[], AbstractContextManager[socket.socket]],
    tls: tuple[Path, Path] | None = None,
) -> None:
    """Serve the hub in a folder until a signal ends it, at the socket that ``listen`` opens.

    ``tls`` are the files of a certificate and its key.
    """
    from harness.cli.hub_web import web_parts  # noqa: PLC0415 - an extra
    from reports.dashboard.app import hub_app  # noqa: PLC0415 - the same

    declared = read_hub(folder)
    allow_many_files()
    waiting: queue.Queue[StoredReport | None] = queue.Queue()
    log = HubLog(clock)
    with (
        logging_to(log),
        alone_in(folder),
        _scratch(folder / SCRATCH),
        open_hub(folder, clock, warn, waiting.put) as opened,
        listen() as listener,
        _working(opened, waiting) as work,
    ):
        is_secure = declared.url.startswith("https:")
        parts = web_parts(opened, work, clock, log.request, is_secure=is_secure)
        server = _server(hub_app(parts), tls, declared.proxies)
        if is_secure and not tls and not declared.proxies:
            warn("hub.yaml names no proxies: everybody counts as the reverse proxy before this hub")
        at = f"{'https' if tls else 'http'}://{shown_address(listener)}"
        gc.collect()
        gc.freeze()  # what is loaded now stays, and is not looked through again
        # signals are handled before anybody is told how it is stopped
        with infrequent_garbage_collection(), _stopped_by_signals(server):
            say_at_once(f"serving {at}; stop with SIGTERM or Ctrl-C")
            asyncio.run(server._serve([listener]))  # noqa: SLF001 - without its own signal handlers
    say("serving stopped")


@contextmanager
def _working(hub: AgentHub, waiting: queue.Queue[StoredReport | None]) -> Iterator[HubWork]:
    """Do what a hub does beside answering: rows of pages, reports, uploads and notifications."""
    from harness.cli.hub_expire import expiring  # noqa: PLC0415 - only serving needs it
    from harness.cli.hub_notifier import Notifier  # noqa: PLC0415 - sqlalchemy is heavy
    from harness.cli.hub_projector import Projector, following  # noqa: PLC0415 - the same
    from harness.cli.hub_senders import notifying  # noqa: PLC0415 - the same
    from harness.cli.hub_uploads import HubUploads, looking_at_uploads  # noqa: PLC0415 - the same
    from harness.cli.hub_web import HubWork  # noqa: PLC0415 - the same
    from harness.cli.upload_ingest import UploadIngest  # noqa: PLC0415 - the same
    from harness.store.hub.projection import is_late  # noqa: PLC0415 - sqlalchemy is heavy

    _require_wall(hub)
    hub.registry.let_readers_go_on()
    uploads = HubUploads(hub.hub, hub.registry, clock)
    ingest = UploadIngest(hub.hub.folder, clock)
    states = StreamStates(hub.registry)
    projector = Projector(hub.registry, hub.hub.results, clock, warn)
    make_notifier = partial(Notifier, hub.hub, hub.session, states, clock)

    def is_healthy() -> bool:
        return hub.is_ready() and not is_late(projector.rows_of(PUBLIC), clock.now())

    with (
        following(projector),
        _recording(hub, waiting, projector.try_to_catch_up),
        looking_at_uploads(uploads, ingest, warn, projector.try_to_catch_up),
        expiring(hub.hub, clock, warn),
        notifying(hub.hub, make_notifier, clock, warn, is_healthy),
    ):
        yield HubWork(projector, uploads, states)


def shown_address(listener: socket.socket) -> str:
    """The host and port of a socket, as in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _require_wall(hub: AgentHub) -> None:
    """Raise UsageError where PostgreSQL would show pages the rows of every supplier."""
    from harness.store.hub.row_security import require_secured  # noqa: PLC0415 - heavy

    with hub.registry.transaction() as connection:
        require_secured(connection)


def _certificate_of(
    declared: HubFile, certificate: Path | None, key: Path | None
) -> tuple[Path, Path] | None:
    """The files of the certificate and its key; ``None`` without TLS. Raises UsageError."""
    if certificate is None and key is None and declared.key and declared.certificates:
        certificate = declared.folder / declared.certificates[0]
        key = declared.folder / declared.key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        msg = "give both --certificate and --key, or neither behind a reverse proxy"
        raise UsageError(msg)
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate, key, password=_no_password
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        msg = f"{certificate}: no certificate with the key {key}: {reason}"
        raise UsageError(msg) from None
    return certificate, key


def _no_password() -> str:
    """Refuse a key that asks for a password, in place of waiting for one."""
    msg = "the key is locked by a password"
    raise ValueError(msg)


@contextmanager
def _scratch(folder: Path) -> Iterator[None]:
    """Unpack bundles in a folder that ends with this process.

    What a process that was killed left there is removed first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        make_private(folder)
    except OSError as error:
        msg = f"{folder}: cannot be used: {error.strerror or error}"
        raise UsageError(msg) from None
    before, tempfile.tempdir = tempfile.tempdir, str(folder.resolve())
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises UsageError if the address cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
        # connections inherit it; asyncio does not see that this socket is one of TCP, and without
        # it each answer in two parts waits 40 ms for the client
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        msg = f"{host}:{port}: cannot listen here: {error.strerror or error}"
        raise UsageError(msg) from None
    with listener:
        yield listener


def _server(
    app: ASGIApp, tls: tuple[Path, Path] | None, proxies: tuple[str, ...] = ()
) -> uvicorn.Server:
    """A server that answers requests that came before it is told to end.

    Those of ``proxies`` are of the client that they name last in ``X-Forwarded-For``.
    """
    import uvicorn  # noqa: PLC0415 - an extra
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: PLC0415 - the same

    from harness.cli.hub_door import IDLE_WITHIN, Door  # noqa: PLC0415 - the same
    from harness.cli.hub_visits import visits_through  # noqa: PLC0415 - the same

    door = Door()

    async def end_overdue() -> None:
        door.end_overdue(asyncio.get_running_loop().time())

    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    behind: Any = ProxyHeadersMiddleware(app, trusted_hosts=list(proxies))  # type: ignore[arg-type]
    settings = uvicorn.Config(
        behind if proxies else app, http=visits_through(door, context, among(proxies)),
        ws="none", loop="asyncio", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, backlog=BACKLOG,
        h11_max_incomplete_event_size=MOST_HEADERS,
        timeout_keep_alive=int(IDLE_WITHIN), timeout_graceful_shutdown=END_SECONDS,
        callback_notify=end_overdue, timeout_notify=0,
    )  # fmt: skip
    return uvicorn.Server(settings)


def among(proxies: tuple[str, ...]) -> Callable[[str], bool]:
    """A function that says whether an address is one of these addresses and networks."""
    networks = [ipaddress.ip_network(each) for each in proxies]

    def is_among(address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in each for each in networks)

    return is_among


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Let the server end in order at SIGINT and SIGTERM."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.getsignal(each) for each in signals}

    def stop(*_: object) -> None:
        server.should_exit = True

    for each in signals:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _recording(
    hub: AgentHub, waiting: queue.Queue[StoredReport | None], then: Callable[[], object]
) -> Iterator[None]:
    """Record reports in a thread, those first that an earlier process left; ``then`` after each."""
    stop = threading.Event()
    record = followed_by(recording(hub, clock, warn), then)
    arguments = hub, record, waiting, stop
    thread = threading.Thread(target=_record_all, args=arguments, name="recorder")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        waiting.put(None)
        thread.join()


def _record_all(
    hub: AgentHub,
    record: OnReport,
    waiting: queue.Queue[StoredReport | None],
    stop: threading.Event,
) -> None:
    """Record the reports of a queue until ``stop``; what is left stays on the disk."""
    _record_left(hub, record, stop)
    while not stop.is_set():
        try:
            report = waiting.get(timeout=AGAIN_AFTER)
        except queue.Empty:
            _record_left(hub, record, stop)
            continue
        if report is not None and not stop.is_set():
            _record_one(hub, record, report)


def followed_by(record: OnReport, then: Callable[[], object]) -> OnReport:
    """Record a report, and then do something else."""

    def both(report: StoredReport) -> None:
        record(report)
        then()

    return both


def _record_left(hub: AgentHub, record: OnReport, stop: threading.Event) -> None:
    try:
        left = hub.waiting()
    except HarnessError as error:
        warn(f"reports that wait cannot be read: {error}")
        return
    for report in left:
        if stop.is_set():
            return
        _record_one(hub, record, report)


def _record_one(hub: AgentHub, record: OnReport, report: StoredReport) -> None:
    """Record a report; one that cannot be recorded now waits, and the others go on."""
    about = report.run.about
    try:
        record(report)
    except HarnessError as error:
        warn(f"the report of {about} waits: {error}")
    except Exception as error:  # noqa: BLE001 - one report must not stop the others
        warn(f"the report of {about} was put aside: {unexpected_message(error)}")
        try:
            hub.end_report(report, ASIDE, f"unexpected error: {type(error).__name__}")
        except HarnessError as second:
            warn(f"the report of {about} waits: {second}")
