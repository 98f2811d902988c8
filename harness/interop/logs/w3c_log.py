"""The W3C Extended Log File Format: ``#Fields`` names the columns (WD-logfile-960323).

Read are the standard's names and those of Blue Coat (Symantec ProxySG), Cisco WSA, Microsoft IIS
and Forefront TMG. Values are separated by blanks, with quotes around one that has blanks (a quote
in it is doubled); by tabs alone where the names are separated by tabs. Times are UTC by the
standard; TMG can be set to write local times, so a time zone that is given is used. With a mapping
its names are read instead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.line_reader import (
    LogOptions,
    UnreadableLine,
    UnreadableLog,
    client_and_device,
    http_status,
    shown,
    stated,
    whole_number,
)
from harness.interop.logs.mapping import MappedEntries
from harness.interop.logs.times import LogTimes
from harness.model.log_entry import LogEntry, LogVerdict

_VALUE = re.compile(r'"((?:[^"]|"")*+)"(?=\s|$)|(\[[^\]\s]{1,30} [+-]\d{4}\])|(\S+)')
_CLF_TIME = "[%d/%b/%Y:%H:%M:%S %z]"
"""The form of Blue Coat's ``gmttime`` and ``localtime``."""

_TIMES = ("time", "timestamp", "gmttime", "localtime")
_ADDRESSES = ("cs-uri", "cs-url", "c-uri")
_HOSTS = ("cs-host", "cs-uri-host", "r-host", "cs(host)")
_PATHS = ("cs-uri-path", "cs-uri-stem")
_USERS = ("cs-username", "cs-userdn", "cs-user")
_CATEGORIES = (
    "sc-filter-category", "cs-categories", "cs-category", "urlcategory", "x-webcat-code-full",
)  # fmt: skip
_VERDICTS = ("sc-filter-result", "x-exception-id", "s-action", "action", "x-resultcode-httpstatus")
_BLOCKED = ("denied", "blocked", "tcp_denied", "policy_denied", "content_filter_denied")
_ALLOWED = ("allowed", "observed", "proxied", "tcp_", "tunneled")
_USUAL_PORTS = ("", "0", "80", "443")
CHALLENGE, LAST_STATUS = 407, 599


@LOG_IMPORTERS.register("w3c-log")
class W3cLog:
    """The W3C Extended Log File Format, with the fields of common proxies and firewalls."""

    def __init__(self, options: LogOptions) -> None:
        self._times = LogTimes(options.zone or UTC, options.now)
        has_fields = options.mapping is not None and options.mapping.fields is not None
        self._mapped = MappedEntries("w3c-log", options) if has_fields else None
        self._names: list[str] = []
        self._has_tabs = False
        self._date = ""

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the request of a line; None for a directive.

        Raises UnreadableLog if the columns state no time or no URL.
        """
        if text.startswith("#"):
            self._direct(text)
            return None
        if not self._names:
            msg = "no line '#Fields:' names the columns before the first request"
            raise UnreadableLine(msg, "give the whole file")
        values = text.split("\t") if self._has_tabs else list(map(_value_of, _VALUE.finditer(text)))
        if len(values) != len(self._names):
            found = f"{len(values)} values for {len(self._names)} fields: {shown(text)}"
            raise UnreadableLine(found)
        fields = dict(zip(self._names, map(stated, values), strict=True))
        return self._mapped.entry(line, fields.get) if self._mapped else self._made(line, fields)

    def _direct(self, text: str) -> None:
        name, _, value = text[1:].partition(":")
        value = value.strip()
        if name.lower() == "date":
            self._date = value[:10]
        elif name.lower() == "fields":
            self._has_tabs = "\t" in value
            names = [each.strip() for each in value.split("\t" if self._has_tabs else None)]
            if self._mapped is not None:
                self._mapped.check_columns(names)
                self._names = names
            else:
                self._names = [each.lower() for each in names]
                self._check_names()

    def _check_names(self) -> None:
        columns = f"its columns are: {', '.join(self._names)[:1000]}"
        for what, known in (("time", _TIMES), ("URL", (*_ADDRESSES, *_HOSTS, *_PATHS))):
            if not set(known) & set(self._names):
                raise UnreadableLog(f"#Fields names no column of the {what}", columns)

    def _made(self, line: int, fields: dict[str, str]) -> LogEntry:
        user, client = _first(fields, _USERS), fields.get("c-ip", "")
        address, device = client_and_device(client) if client else ("", "")
        status = http_status(fields.get("sc-status", ""))
        return LogEntry(
            line=line,
            at=self._at(fields),
            user=user,
            client=address,
            device=device or fields.get("c-dns", ""),
            method=_first(fields, ("cs-method", "s-operation")),
            url=_url(fields),
            status=status if status is None or status <= LAST_STATUS else None,
            verdict=_verdict(fields, status),
            category=_first(fields, _CATEGORIES),
            received=whole_number(fields.get("sc-bytes", ""), "bytes"),
            sent=whole_number(fields.get("cs-bytes", ""), "bytes"),
        )

    def _at(self, fields: dict[str, str]) -> datetime:
        if clock := fields.get("time"):
            day = fields.get("date") or self._date
            if not day:
                raise UnreadableLine("a time without a date", "give the whole file, with '#Date:'")
            return self._times.iso(f"{day} {clock}")
        if stamp := fields.get("timestamp"):
            return self._times.epoch(stamp)
        return self._times.parsed(_first(fields, ("gmttime", "localtime")), _CLF_TIME)


def _value_of(found: re.Match[str]) -> str:
    quoted, stamp, plain = found.groups()
    return quoted.replace('""', '"') if quoted is not None else stamp or plain


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str:
    """The first value of these fields that is stated."""
    return next((value for name in names if (value := fields.get(name))), "")


def _url(fields: dict[str, str]) -> str:
    """The URL, whole or put together from its parts, without what is not stated."""
    whole, path = _first(fields, _ADDRESSES), _first(fields, _PATHS)
    host, query = _first(fields, _HOSTS), fields.get("cs-uri-query", "")
    if whole and ("://" in whole or not host):
        return whole
    scheme, port = fields.get("cs-uri-scheme", ""), fields.get("cs-uri-port", "")
    if "://" in path:
        host, scheme = "", ""
    elif host and port not in _USUAL_PORTS and ":" not in host:
        host = f"{host}:{port}"
    start = f"{scheme}://{host}" if scheme and host else host
    mark = "?" if query and not query.startswith("?") else ""
    return f"{start}{path or whole}{mark}{query}"


def _verdict(fields: dict[str, str], status: int | None) -> LogVerdict:
    """What the proxy did: "blocked" if one field says so, else "allowed" if one says that."""
    words = [fields.get(name, "").lower() for name in _VERDICTS]
    if status == CHALLENGE or any(word.endswith(f"/{CHALLENGE}") for word in words):
        return ""
    if any(word.startswith(_BLOCKED) for word in words):
        return "blocked"
    return "allowed" if any(word.startswith(_ALLOWED) for word in words) else ""
