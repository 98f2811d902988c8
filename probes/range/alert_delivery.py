"""Where the reference filter sends its alerts, and how: by mail, and by a request to a webhook."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from threading import Lock
from urllib.parse import urlsplit

import httpx

from harness.errors import UsageError
from harness.model.log_entry import AlertPriority
from probes.net.route import Address, parse_address
from probes.range.faults import check_mail_address

DOMAIN = "filter.accredit.test"
SENDER = f"alerts@{DOMAIN}"
SMTP_PORT = 25
PATIENCE = 10.0
"""Seconds for a connection to the mail server or the webhook, and for each answer."""
THREADS = 4

PRIORITY_HEADERS: Mapping[AlertPriority, tuple[tuple[str, str], ...]] = {
    "urgent": (("X-Priority", "1"), ("Importance", "high"), ("Priority", "urgent")),
    "normal": (("X-Priority", "3"), ("Importance", "normal"), ("Priority", "normal")),
}
"""The headers of a mail that state a priority (RFC 2156, RFC 4021)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """To whom the reference filter sends alerts, and by what way.

    ``alert_mail`` is the mail server (HOST:PORT), ``webhook`` an http or https URL; at least one of
    them is set. ``recipients`` are mail addresses by profile; users of other profiles cause no
    mail. ``operator`` gets what the filter notices about its own settings, at most
    ``notices_after`` seconds after they changed. An urgent alert that nobody acknowledged for
    ``escalate_after`` seconds goes to ``escalate_to``. Without an address there is no such mail.
    Raises UsageError for what is no address, and for times that are not above 0.
    """

    alert_mail: str = ""
    webhook: str = ""
    recipients: Mapping[str, str] = field(default_factory=dict)
    operator: str = ""
    escalate_to: str = ""
    escalate_after: float = 900.0
    notices_after: float = 60.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not (self.alert_mail or self.webhook):
            msg = "alerts need 'alert_mail' (HOST:PORT) or 'webhook' (a URL)"
            raise UsageError(msg)
        if self.alert_mail:
            parse_address(self.alert_mail, "alert_mail", SMTP_PORT)
        if self.webhook and not _is_web(self.webhook):
            msg = f"webhook: {self.webhook!r} is no URL; write it as http://127.0.0.1:8080/alerts"
            raise UsageError(msg)
        for name, address in {
            **{f"recipients {profile}": each for profile, each in self.recipients.items()},
            **({"operator": self.operator} if self.operator else {}),
            **({"escalate_to": self.escalate_to} if self.escalate_to else {}),
        }.items():
            try:
                check_mail_address(address)
            except ValueError as error:
                raise UsageError(f"{name}: {error}") from None
        for name, seconds in (
            ("escalate_after", self.escalate_after),
            ("notices_after", self.notices_after),
        ):
            if not 0 < seconds < float("inf"):
                msg = f"{name}: seconds above 0"
                raise UsageError(msg)


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMessage:
    """One message. ``to`` may be empty: then there is no mail. ``at`` is when it was written.

    ``fields`` are what a webhook gets beside title, text and priority.
    """

    at: datetime
    to: str
    subject: str
    text: str
    priority: AlertPriority = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def as_mail(self) -> EmailMessage:
        """Return the message as a mail (RFC 5322)."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = SENDER, self.to, self.subject
        mail["Date"], mail["Message-ID"] = format_datetime(self.at), make_msgid(domain=DOMAIN)
        for name, value in PRIORITY_HEADERS.get(self.priority, ()):
            mail[name] = value
        mail.set_content(self.text)
        return mail

    def as_json(self) -> dict[str, str]:
        """Return the message as a webhook gets it."""
        stated = {"priority": self.priority} if self.priority else {}
        return {"title": self.subject, "to": self.to, **stated, **self.fields, "text": self.text}


class AlertSender:
    """Sends messages from threads of its own, so that filtering never waits for a mail server.

    ``report`` gets one sentence for each way by which a message could not be sent, once.
    """

    def __init__(
        self, settings: AlertSettings, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._report = report
        self._reported: set[str] = set()
        self._lock = Lock()
        self._pending: set[Future[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="accredit-alerts")

    def send(self, message: AlertMessage) -> None:
        """Send a message soon, by each way that is set. From any thread."""
        if self._settings.alert_mail and message.to:
            self._submit(self._send_mail, message)
        if self._settings.webhook:
            self._submit(self._send_request, message)

    def wait(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds until all messages were sent; return whether."""
        with self._lock:
            pending = tuple(self._pending)
        return not wait(pending, timeout).not_done

    def close(self) -> None:
        """Send what is waiting, and end the threads."""
        self._threads.shutdown()

    def _submit(self, send: Callable[[AlertMessage], None], message: AlertMessage) -> None:
        future = self._threads.submit(send, message)
        with self._lock:
            self._pending.add(future)
        future.add_done_callback(self._forget)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._pending.discard(future)

    def _send_mail(self, message: AlertMessage) -> None:
        server = parse_address(self._settings.alert_mail, "alert_mail", SMTP_PORT)
        try:
            _deliver(message.as_mail(), server)
        except (OSError, smtplib.SMTPException) as error:
            self._report_once(f"mail to {self._settings.alert_mail}", error)

    def _send_request(self, message: AlertMessage) -> None:
        try:
            answered = httpx.post(
                self._settings.webhook, json=message.as_json(), timeout=PATIENCE, trust_env=False
            )
            answered.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._report_once("requests to the webhook", error)

    def _report_once(self, way: str, error: Exception) -> None:
        with self._lock:
            is_new = way not in self._reported
            self._reported.add(way)
        if is_new:
            self._report(f"an alert was lost, {way} failed: {error}; the service continues")


def _deliver(mail: EmailMessage, server: Address) -> None:
    """Give a mail to a server. Raises OSError and SMTPException."""
    # Without a name of its own the library asks a name server for one.
    with smtplib.SMTP(server.host, server.port, local_hostname=DOMAIN, timeout=PATIENCE) as smtp:
        smtp.send_message(mail)
