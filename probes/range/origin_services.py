"""Services of an origin: hosts that answer otherwise than with a page, such as downloads.

``SERVICES`` holds them by the name that ``PageContent.service`` uses. To add one, write a function
in a module of its own, and add it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.model.content_form import PageContent
from probes.range.connection import Request
from probes.range.file_services import download, sink
from probes.range.origin_pages import Headers, Marks, Page, Pages, category_marker, marks_for
from probes.range.search_service import result_page, search_page
from probes.range.url_services import (
    OBJECT_PATH,
    app_interface,
    deep_page,
    redirect_chain,
    redirector,
    suspicious_page,
    web_object,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRequest:
    """A request to a service of the origin, with what the service knows of its host.

    ``nonce`` is that of the attempt, empty if the request carries none.
    """

    request: Request
    scheme: Literal["http", "https"]
    nonce: str
    content: PageContent
    pages: Pages

    @property
    def host(self) -> str:
        """The requested host."""
        return self.request.host

    def marks(self, code: str = "") -> Marks:
        """Return the marks of the answer; with ``code`` also that category's agreed marker."""
        marker = category_marker(code, self.nonce)
        return marks_for(self.pages.key, self.host, self.nonce, marker, self.request.path)

    @property
    def receipt(self) -> Headers:
        """The header that proves that the origin received the request."""
        return self.pages.receipt(self.host, self.nonce)


OriginService = Callable[[ServiceRequest], Page]

SERVICES: Mapping[str, OriginService] = {
    "deep-pages": deep_page,
    "objects": web_object,
    "redirector": redirector,
    "template": suspicious_page,
    "search": search_page,
    "query": result_page,
    "redirect-chain": redirect_chain,
    "download": download,
    "sink": sink,
    "app": app_interface,
}
"""Services by name."""


def service_at(content: PageContent, path: str) -> str:
    """Return the name of the service that answers at a host for a path; empty for a page."""
    return content.service or ("objects" if path.startswith(OBJECT_PATH) else "")
