"""Send the notifications of a hub: by Apprise, by signed webhook, and a heartbeat to outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.cli.hub_file import HubFile
from harness.cli.hub_notifier import Notifier, Sender
from harness.cli.hub_notify_file import NotifyTarget
from harness.cli.messages import Target, read_targets, send_to
from harness.cli.process import unexpected_message
from harness.cli.webhook import LIMIT_SECONDS, post, read_secret, signed_headers
from harness.errors import HarnessError, InstrumentError
from harness.model.notification import Notification
from harness.ports.storage import Clock

if TYPE_CHECKING:
    import httpx

ROUND_SECONDS = 30.0
"""How often the notifier looks."""


MakeNotifier = Callable[[dict[str, Sender], Callable[[str], None]], Notifier]


class AppriseSender:
    """Sends one message with all notifications to the addresses in a file."""

    def __init__(self, targets: tuple[Target, ...], file: Path, url: str) -> None:
        self._targets, self._file, self._url = targets, file, url

    def __call__(self, told: tuple[Notification, ...], now: datetime) -> str:
        """Send a message; return why it was not taken."""
        del now
        title = told[0].title if len(told) == 1 else f"Accredit: {len(told)} notifications"
        lines = [line for each in told for line in self._lines(each, is_one=len(told) == 1)]
        try:
            send_to(self._targets, title, lines, self._file)
        except InstrumentError as error:
            return str(error)
        return ""

    def _lines(self, each: Notification, *, is_one: bool) -> Iterator[str]:
        if not is_one:
            yield f"{each.at:%d %b %Y, %H:%M} UTC: {each.title}"
        if each.words:
            yield each.words
        yield f"{self._url}{each.path}"
        yield ""


class WebhookSender:
    """Posts each notification, or a digest of them, as signed JSON."""

    def __init__(self, client: httpx.Client, target: NotifyTarget, key: bytes, url: str) -> None:
        self._client, self._target, self._key, self._url = client, target, key, url

    def __call__(self, told: tuple[Notification, ...], now: datetime) -> str:
        """Send a message; return why it was not taken."""
        one = [msgspec.to_builtins(each) | {"url": f"{self._url}{each.path}"} for each in told]
        is_digest = self._target.digest != "none"
        document = {"type": "digest", "notifications": one} if is_digest else {
            "type": str(told[0].kind), "notification": one[0],
        }  # fmt: skip
        body = msgspec.json.encode(document)
        headers = signed_headers(self._key, told[0].key.replace("\x1f", "/"), now, body)
        assert self._target.webhook is not None
        return post(self._client, self._target.webhook, headers, body)


def senders_of(hub: HubFile, client: httpx.Client) -> dict[str, Sender]:
    """A sender for each target of a hub. Raises UsageError where a file cannot be used."""
    found: dict[str, Sender] = {}
    for target in hub.notify.targets:
        if target.file is not None:
            file = hub.folder / target.file
            found[target.name] = AppriseSender(read_targets(file), file, hub.url)
        else:
            assert target.secret is not None
            key = read_secret(hub.folder / target.secret)
            found[target.name] = WebhookSender(client, target, key, hub.url)
    return found


class Heart:
    """Makes a request to a service outside while the hub works, which rings if none comes."""

    def __init__(self, hub: HubFile, client: httpx.Client) -> None:
        self._beat, self._client = hub.notify.heartbeat, client
        self._last: datetime | None = None

    def beat(self, now: datetime) -> str:
        """Make the request if it is time; return why it failed. The address is not quoted."""
        if self._beat is None or (self._last is not None and now - self._last < self._beat.every):
            return ""
        self._last = now
        return post(self._client, self._beat.url, {}, b"")


@contextmanager
def notifying(
    hub: HubFile, make: MakeNotifier, clock: Clock,
    tell: Callable[[str], None], is_healthy: Callable[[], bool],
) -> Iterator[None]:  # fmt: skip
    """Notify in a thread until the block ends. The heartbeat is sent while all else works.

    Raises UsageError, before anything begins, where a target's file cannot be used.
    """
    if not hub.notify.targets and hub.notify.heartbeat is None:
        yield
        return
    import httpx  # noqa: PLC0415 - only sending needs it

    stop = threading.Event()
    with httpx.Client(timeout=LIMIT_SECONDS, follow_redirects=False) as client:
        notifier, heart = make(senders_of(hub, client), tell), Heart(hub, client)
        work = partial(_work, notifier, heart, clock, tell, is_healthy)
        thread = threading.Thread(target=_rounds, args=(work, stop), name="notifier")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _rounds(work: Callable[[], None], stop: threading.Event) -> None:
    while not stop.is_set():
        work()
        stop.wait(ROUND_SECONDS)


def _work(
    notifier: Notifier, heart: Heart, clock: Clock, tell: Callable[[str], None],
    is_healthy: Callable[[], bool],
) -> None:  # fmt: skip
    """One round. The heart does not beat where the round failed, so that somebody looks."""
    try:
        notifier.once()
        if is_healthy() and (why := heart.beat(clock.now())):
            tell(f"the heartbeat was not taken: {why}")
    except HarnessError as error:
        tell(f"notifications wait: {error}")
    except Exception as error:  # noqa: BLE001 - the next round tries again
        tell(f"notifications wait: {unexpected_message(error)}")
