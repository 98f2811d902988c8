"""Squid as the supplier of a whole school: lists, searches, uploads, users, and files by ICAP."""

from __future__ import annotations

import re
from pathlib import Path

from harness.model.search_case import SearchLock
from harness.ports.network import Origin
from test_suites.products.all_areas.agreement import Visit
from test_suites.products.all_areas.pages import AreaPages
from test_suites.products.blocklist import BlockList
from test_suites.products.c_icap import CIcap
from test_suites.products.measured import SENTINEL
from test_suites.products.squid import Reply, Squid

LOGGED = "access-places.log"
FORMAT = "places %>Hs %Ss %rm %un %ru"
"""Status for the client, what Squid did, method, user, and address with its query."""


class AreaSquid(Squid):
    """A Squid with the lists of all areas; its users sign in, unless packets are led to it.

    ``urls`` are expressions for listed addresses. With ``scanner`` requests and answers go through
    it. It locks engines by headers, which is all that it can add to a request by itself.
    """

    def __init__(
        self,
        origin: Origin,
        pages: AreaPages,
        *,
        urls: str,
        groups: tuple[str, ...],
        scanner: CIcap | None = None,
        intercepts: bool = False,
        site: str = "",
    ) -> None:
        self.groups, self.area_pages, self.urls, self.scanner = groups, pages, urls, scanner
        lists = [
            BlockList(
                name=group,
                hosts=tuple(f".{host}" for host in (SENTINEL, *pages.denied(group))),
                reply=Reply.PAGE,
            )
            for group in groups
        ]
        super().__init__(origin, lists, {"all": ()}, intercepts=intercepts, site=site)

    def _prepare(self) -> Path:
        searches = self.area_pages.searches
        self.folder.write("lists/urls.txt", self.urls)
        terms = "".join(f"{re.escape(term)}\n" for term in searches.terms if term.isascii())
        self.folder.write("lists/terms.txt", terms)
        self.folder.write("lists/sharing.txt", "\n".join(self.area_pages.upload_hosts) + "\n")
        for name, (_, hosts) in self._header_locks().items():
            self.folder.write(f"lists/{name}.txt", "\n".join(hosts) + "\n")
        return super()._prepare()

    def _header_locks(self) -> dict[str, tuple[SearchLock, list[str]]]:
        locks: dict[str, tuple[SearchLock, list[str]]] = {}
        for host, text in self.area_pages.searches.engines.items():
            lock = SearchLock.parse(text)
            if lock.kind == "header":
                name = f"lock_{lock.header[0].lower().replace('-', '_')}"
                locks.setdefault(name, (lock, []))[1].append(host)
        return locks

    def _house(self) -> list[str]:
        here = self.folder.path
        lines = [
            *super()._house(),
            "strip_query_terms off",
            f"logformat {FORMAT}",
            f"access_log stdio:{here}/{LOGGED} places",
        ]
        if self.scanner is None:
            return lines
        scan = f"bypass=off {self.scanner.service}"
        return [
            *lines,
            "icap_enable on",
            "icap_preview_enable on",
            f"icap_service scan_sent reqmod_precache {scan}",
            f"icap_service scan_received respmod_precache {scan}",
            "adaptation_access scan_sent allow all",
            "adaptation_access scan_received allow all",
        ]

    def _rules(self) -> list[str]:
        here = self.folder.path
        lines = ["acl CONNECT method CONNECT"]
        if not self.site:
            lines += [
                "auth_param basic program /usr/lib/squid/basic_fake_auth",
                "auth_param basic realm school",
                "auth_param basic children 4 startup=1",
                "acl known proxy_auth REQUIRED",
                "http_access deny !known",
            ]
        if self._opens_tls:
            lines.append("http_access allow CONNECT")
        for group in self.groups:
            lines += [
                f"acl of_{group} {'src all' if self.site else f'proxy_auth {group}'}",
                f'acl not_{group} dstdomain -n "{here}/lists/{group}.txt"',
                f"deny_info 403:ERR_{group.upper()} not_{group}",
                f"http_access deny of_{group} not_{group}",
            ]
        page = f"403:ERR_{self.groups[0].upper()}"
        return [
            *lines,
            f'acl listed_urls url_regex "{here}/lists/urls.txt"',
            f'acl terms url_regex -i "{here}/lists/terms.txt"',
            "acl sending method POST PUT PATCH PROPFIND MKCOL",
            f'acl sharing dstdomain -n "{here}/lists/sharing.txt"',
            *(f"deny_info {page} {acl}" for acl in ("listed_urls", "terms", "sharing")),
            "http_access deny listed_urls",
            "http_access deny terms",
            f"http_access deny of_{self.groups[0]} sending sharing",
            *self._locking(),
            "http_access allow localhost",
            *([f"http_access allow of_{self.groups[0]}"] if self.site else []),
            "http_access deny all",
        ]

    def _locking(self) -> list[str]:
        lines = []
        for name, (lock, _) in self._header_locks().items():
            header, values = lock.header
            lines += [
                f'acl {name} dstdomain -n "{self.folder.path}/lists/{name}.txt"',
                f"request_header_access {header} deny {name}",
                f'request_header_add {header} "{values[0]}" {name}',
            ]
        return lines

    def withheld(self) -> WithheldBySquid:
        """What its own log says that it withheld."""
        return WithheldBySquid((self.folder.path / LOGGED).read_text(encoding="utf-8"))


class WithheldBySquid:
    """Answers by the log of Squid whether it gave a block page in place of an answer.

    Errors (500, 502) count as no block: they would hide a scanner that does not work.
    """

    def __init__(self, log: str) -> None:
        self._denied: set[tuple[str, str, str]] = set()
        for line in log.splitlines():
            status, _, method, user, url = line.split(" ", 4)
            if status == "403" and method != "CONNECT":
                self._denied.add((method, user, url))

    def __call__(self, visit: Visit, group: str) -> bool:
        url = f"{visit.over}://{visit.host}{visit.path}"
        return any((visit.method, user, url) in self._denied for user in (group, "-"))
