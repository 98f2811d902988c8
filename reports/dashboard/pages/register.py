"""The public pages: the register of services, one service, certificates, and the buyers' guide.

They answer everybody, also without signing in, and read the documents of the register alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from harness.store.hub.repository import Repository
from reports.dashboard.access import NotHere
from reports.dashboard.certificate_answer import answer_about, number_of
from reports.dashboard.register_filter import (
    fitting,
    matching,
    schemes_of,
    subjects_of,
    wanted_of,
)
from reports.dashboard.rendering import page
from reports.site.public_facts import PublicRegister
from reports.site.public_pages import (
    GUIDE,
    groups_of,
    guide_contents,
    register_contents,
    register_json,
    register_table,
    service_contents,
    title_of,
)
from reports.site.register_documents import FIELD, RegisterDocument, register_from
from reports.site.status_feed import status_feed

CACHED = {"Cache-Control": "public, max-age=300"}
"""Files of the register are the same for everybody, and may be five minutes old."""

Text = Annotated[str, Query(max_length=500)]
Needs = Annotated[list[str] | None, Query(max_length=100)]


class PublicPages:
    """Makes the public pages from the register's documents."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def register(self, now: datetime, *ids: str) -> PublicRegister:
        """The register at a time, or the part of it that is made from some documents."""
        rows = self._repository.public_documents(*ids)
        documents = (RegisterDocument(row.stream, row.id, row.body) for row in rows)
        return register_from(documents, now)

    def show_register(
        self, request: Request, q: Text = "", scheme: Text = "", needs: Needs = None
    ) -> HTMLResponse:
        """The register, or which services fit what a school needs."""
        register = self.register(_now(request))
        wanted = wanted_of(q, scheme, needs or ())
        matched = matching(register.services, wanted)
        return page(
            request,
            "public_register.html.j2",
            "Filtered internet services for schools",
            groups=groups_of(matched),
            total=len(register.services),
            subjects=subjects_of(register.services),
            scheme_choices=schemes_of(register.services),
            wanted=wanted,
            asked=q,
            found=fitting(matched, wanted) if wanted.needs else None,
            **register_contents(register),
        )

    def show_service(self, request: Request, name: str) -> HTMLResponse:
        """One version of a service. Raises NotHere."""
        register = self.register(_now(request), name, FIELD)
        service = next((each for each in register.services if each.page == name), None)
        if service is None:
            raise NotHere
        contents = service_contents(service, register.as_of)
        return page(request, "public_service.html.j2", title_of(service), at="/", **contents)

    def show_certificates(self, request: Request, number: Text = "") -> HTMLResponse:
        """Whether a certificate is valid today."""
        asked = number_of(number)
        answer = answer_about(self.register(_now(request)), asked) if asked else None
        title = answer.title if answer else "Is a certificate valid today?"
        return page(request, "certificates.html.j2", title, asked=number, answer=answer)

    def show_guide(self, request: Request) -> HTMLResponse:
        """What to ask before buying a service."""
        return page(request, "guide.html.j2", GUIDE, **guide_contents())

    def as_json(self, request: Request) -> Response:
        """The register as JSON."""
        content = register_json(self.register(_now(request)))
        return Response(content, 200, CACHED, "application/json")

    def as_csv(self, request: Request) -> Response:
        """The register as CSV."""
        headers = CACHED | {"Content-Disposition": 'attachment; filename="register.csv"'}
        content = register_table(self.register(_now(request)))
        return Response(content, 200, headers, "text/csv; charset=utf-8")

    def as_feed(self, request: Request) -> Response:
        """Changes of status as an Atom feed."""
        feed = status_feed(self.register(_now(request)), lambda name: f"/register/{name}")
        return Response(feed, 200, CACHED, "application/atom+xml")


def _now(request: Request) -> datetime:
    now: datetime = request.app.state.now()
    return now


def routes(repository: Repository) -> APIRouter:
    """The routes of the public pages."""
    router, pages = APIRouter(include_in_schema=False), PublicPages(repository)
    router.get("/", response_class=HTMLResponse)(pages.show_register)
    router.get("/register/{name}", response_class=HTMLResponse)(pages.show_service)
    router.get("/certificates", response_class=HTMLResponse)(pages.show_certificates)
    router.get("/guide", response_class=HTMLResponse)(pages.show_guide)
    router.get("/register.json", response_class=Response)(pages.as_json)
    router.get("/register.csv", response_class=Response)(pages.as_csv)
    router.get("/feed.xml", response_class=Response)(pages.as_feed)
    return router
