"""e2guardian as the supplier of a whole school: lists, searches, pages by phrases, and files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness.model.search_case import SearchLock
from harness.ports.network import Origin
from test_suites.products.all_areas.agreement import Visit
from test_suites.products.all_areas.pages import CATEGORY, AreaPages, markers
from test_suites.products.clamav import Clamd
from test_suites.products.e2guardian import E2Guardian, set_options
from test_suites.products.measured import SENTINEL

READ = (CATEGORY, "MALW.PUA", "MALW.PHISH")
"""The categories whose agreed markers it has as banned phrases."""


class AreaGuardian(E2Guardian):
    """An e2guardian with the lists of all areas, for one group of users.

    ``urls`` is a folder of lists as exported. Files are scanned by ``scanner`` alone: its own lists
    of endings and types are empty. It can set parameters and headers, so it locks engines by these.
    """

    def __init__(
        self, origin: Origin, pages: AreaPages, *, urls: Path, scanner: Clamd, group: str
    ) -> None:
        super().__init__(origin, (), markers(READ))
        self.area_pages, self.urls, self.scanner, self.group = pages, urls, scanner, group

    def _list_hosts(self) -> None:
        super()._list_hosts()
        lists = self.folder.path / "etc/lists/example.group"
        for path in self.urls.iterdir():
            shutil.copy(path, lists / path.name)
        for name in ("bannedextensionlist", "bannedmimetypelist"):
            (lists / name).write_text("", encoding="utf-8")
        listed = lists / "bannedsitelist"
        exported = listed.read_text(encoding="utf-8")
        hosts = "\n".join((SENTINEL, *self.area_pages.denied(self.group), ""))
        listed.write_text(f"{exported}\n{hosts}", encoding="utf-8")
        self._write_searches(lists)

    def _write_searches(self, lists: Path) -> None:
        searches = self.area_pages.searches
        terms = "".join(f"{re.escape(term)}\n" for term in searches.terms if term.isascii())
        (lists / "bannedregexpurllist").write_text(terms, encoding="utf-8")
        urls, headers = "", ""
        for host, text in searches.engines.items():
            lock, name = SearchLock.parse(text), re.escape(host)
            if lock.kind == "parameter":
                urls += f'"(^https?://{name}/[^?]*[?])"->"\\1{lock.setting}&"\n'
            if lock.kind == "header":
                header, values = lock.header
                headers += f'"(^https?://{name}/.*)"->"{header}: {values[0]}"\n'
        (lists / "urlregexplist").write_text(urls, encoding="utf-8")
        (lists / "addheaderregexplist").write_text(headers, encoding="utf-8")

    def _configure(self, upstream: int) -> Path:
        conf = super()._configure(upstream)
        scanner = self.folder.path / "etc/contentscanners/clamdscan.conf"
        set_options(scanner, {"clamdudsfile": f"'{self.scanner.socket}'"})
        scanned = self.folder.path / "scanned"
        scanned.mkdir()
        set_options(conf, {"contentscanner": f"'{scanner}'", "filecachedir": f"'{scanned}'"})
        return conf

    def log(self) -> str:
        """Its own log, whose entries are addresses and what became of them."""
        return (self.folder.path / "access.log").read_text(encoding="utf-8", errors="replace")


class WithheldByGuardian:
    """Answers by the log of each group's e2guardian whether it denied what it had fetched."""

    def __init__(self, logs: dict[str, str]) -> None:
        self._denied: set[tuple[str, str]] = set()
        for group, log in logs.items():
            for line in log.splitlines():
                url = re.search(r"https?://\S+", line)
                if url is not None and ("*DENIED*" in line or "*INFECTED*" in line):
                    self._denied.add((group, url[0].rstrip("/")))

    def __call__(self, visit: Visit, group: str) -> bool:
        url = f"{visit.over}://{visit.host}{visit.path}"
        return (group, url.rstrip("/")) in self._denied
