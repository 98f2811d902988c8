"""The origin of the areas and services beside it, for several campaigns at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from corpora.item_table import COLUMNS
from corpora.pack_writer import PackDetails, write_pack
from probes.net.route import parse_address
from probes.range.arrival_log import ArrivalLog
from probes.range.filter import FilterPolicy
from probes.range.resolver import ZoneServer
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.areas.area import (
    Area,
    all_pages,
    areas,
    contents,
    several,
    texts,
)
from test_suites.calibration.hostile.areas.area_settings import SAMPLE
from test_suites.calibration.hostile.areas.area_supplier import (
    ALERTING,
    AVAILABILITY,
    DEVICES,
    LOGGING,
    MAILING,
    AreaSupplier,
    Lookup,
)
from test_suites.calibration.hostile.areas.checked_service import NOTHING, CheckedService
from test_suites.calibration.hostile.areas.measured_speed import SLOW_ORIGIN
from test_suites.calibration.hostile.areas.relayed_mail import (
    ServedMail,
    declared,
    relay_of,
)
from test_suites.calibration.hostile.areas.technique_gateway import GoodGateway
from test_suites.calibration.hostile.areas.told import PHASES, Told
from test_suites.calibration.hostile.areas.told_alerts import write
from test_suites.calibration.hostile.areas.visit import Visit, user_of
from test_suites.calibration.hostile.knowledge import Knowledge
from test_suites.calibration.hostile.name_service import NameService, Question, Said
from test_suites.calibration.hostile.sizes import SMALL
from test_suites.calibration.hostile.testbed import Running, ServiceTestbed
from test_suites.calibration.hostile.web_call import BLOCK_TEXT, Call
from test_suites.calibration.hostile.web_service import WebService
from test_suites.calibration.technique_campaigns import some_techniques
from test_suites.kit.campaigns.ranges import PATIENT
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.networks.listening import Listening
from test_suites.kit.networks.mail_receiving import MailInbox, mailbox_of

USERS = {"ann": "pupils", "bob": "staff"}
"""The users of a proxy at which they sign in, each with a profile."""


class AreaTestbed(ServiceTestbed[AreaSupplier]):
    """The origin with the pages of all areas, and services beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.told = Told.of(all_pages())
        self._names: ZoneServer
        self._gateway: GoodGateway
        self._relays: dict[str, ServedMail] = {}
        self._checked: dict[str, CheckedService] = {}
        for area in areas().values():
            _write_packs(area, folder / "packs")

    def write_campaign(self, folder: Path, supplier: AreaSupplier, running: Running) -> Path:
        """Write the campaign of a supplier's area; gives its path."""
        area = areas()[supplier.area]
        service: dict[str, Any] = {"name": supplier.id}
        if area.wiring != "gateway":
            service["block_page"] = {"text": BLOCK_TEXT}
        service |= area.settings.get("service", {})
        if area.name == MAILING:
            service |= {"mail": declared(self.mail_of(supplier).relay)}
        settings: dict[str, Any] = {"limits": PATIENT} | area.settings | {"service": service}
        line = self._line(area, running)
        if area.name == AVAILABILITY:
            line["site"] = "north"
            settings["availability_lines"] = [line | {"name": "second", "site": "south"}]
        packs = self.folder / "packs"
        corpora: list[dict[str, Any]] = [
            {"pack": str(packs / f"{area.name}-{kind}")} for kind in area.packs
        ]
        if area.canaries:
            drawn = {"categories": list(area.canaries), "sample": SAMPLE}
            corpora.append({"pack": "canary"} | drawn)
        if area.techniques:
            corpora.append({"pack": some_techniques(folder, area.techniques)})
        with (folder / "scheme.yaml").open("w", encoding="utf-8") as file:
            YAML().dump(_scheme(area), file)
        return write_campaign(
            folder,
            origin=self.origin_file,
            campaign=supplier.id,
            scheme="scheme.yaml",
            lines=[line],
            profiles=area.profiles,
            probes=list(area.probes),
            corpora=corpora,
            **settings,
        )

    def _line(self, area: Area, running: Running) -> dict[str, Any]:
        ports = running.ports
        line: dict[str, Any] = {"name": "line", "type": "explicit_proxy"}
        authority = {"authority": str(self.trusted)}
        if area.wiring == "resolver":
            return line | {"type": "resolver", "options": {"server": ports["server"]}}
        if area.wiring == "names":
            options = {"server": ports["server"], "ports": ports["gateway"], **authority}
            return line | {"type": "resolver", "options": options}
        if area.wiring == "gateway":
            return line | {"type": "resolver", "options": ports | authority}
        if area.wiring == "users":
            signed_in = {
                profile: {"username": name, "password": "x"} for name, profile in USERS.items()
            }
            return line | {
                "options": {"proxy": ports["users"], **authority},
                "by_profile": signed_in,
            }
        by_profile = {name: {"proxy": ports["proxy"][name]} for name in area.profiles}
        return line | {
            "options": {"proxy": ports["proxy"]["pupils"], **authority},
            "by_profile": by_profile,
        }

    async def _start_world(self) -> RangeTestbed:
        world = RangeTestbed(
            self.folder / "world",
            policy=FilterPolicy(blocks=lambda *_: False),
            contents=contents(),
            texts=texts(),
            several=several(),
            dual_stack=True,
            signed=True,
        )
        world.faults.add(SLOW_ORIGIN)
        await self._stack.enter_async_context(world)
        self._names = replace(world.zone_server, log=ArrivalLog())
        self._gateway = GoodGateway(world, self.authority)
        await self._gateway.start(self._stack)
        return world

    async def _start(self, supplier: AreaSupplier, listening: Listening) -> dict[str, Any]:
        wiring = areas()[supplier.area].wiring
        if wiring == "gateway":
            return await self._gateway.serve(supplier.lead, supplier.admit, listening)
        if supplier.area == MAILING:
            await self._start_relay(supplier)
        if supplier.area in (AVAILABILITY, DEVICES):
            self._checked[supplier.id] = CheckedService()
        web = WebService(
            behave=partial(self._behave, supplier),
            knowledge=Knowledge.of(()),
            authority=self.authority,
            origin_ports=self.world.origin.ports,
            scale=SMALL.scale,
            names=self._names,
        )
        if wiring in ("names", "resolver"):
            names = NameService(
                behave=partial(self._look_up, supplier),
                knowledge=Knowledge.of(()),
                names=self._names,
                scale=SMALL.scale,
            )
            server = f"{ADDRESS}:{await names.start(listening)}"
            if wiring == "resolver":
                return {"server": server}
            return {"server": server, "gateway": await web.start_gateway(listening, "pupils")}
        if wiring == "users":
            return {"users": f"http://{ADDRESS}:{await web.start_proxy(listening, '')}"}
        ports = {name: await web.start_proxy(listening, name) for name in PHASES}
        return {"proxy": {name: f"http://{ADDRESS}:{port}" for name, port in ports.items()}}

    async def _start_relay(self, supplier: AreaSupplier) -> None:
        """Start the mail relay of a supplier, and the mailbox that it passes mail on to."""
        inbox, folder = MailInbox(), self.folder / f"{supplier.id}-mail"
        folder.mkdir()
        mailbox = await self._stack.enter_async_context(mailbox_of(inbox))
        at = parse_address(self.world.origin.resolver, "resolver")
        relay = relay_of(supplier.handle, folder, at, mailbox.port, self.authority)
        await self._stack.enter_async_context(relay)
        self._relays[supplier.id] = ServedMail(relay, inbox, folder / "spam.mbox")

    def mail_of(self, supplier: AreaSupplier) -> ServedMail:
        """The mail relay of a supplier."""
        return self._relays[supplier.id]

    def checked(self, supplier: AreaSupplier) -> CheckedService:
        """What happens to a service while it is checked."""
        return self._checked[supplier.id]

    async def _behave(self, supplier: AreaSupplier, call: Call) -> None:
        """Have a supplier act on a request; sentinels and its own host are served rightly."""
        profile = call.profile or USERS.get(user_of(call.request), "pupils")
        checked = self._checked.get(supplier.id)
        moment = checked.moment if checked else NOTHING
        visit = Visit(call=call, told=self.told, profile=profile, moment=moment)
        is_aside = visit.is_own or (visit.is_sentinel and supplier.spares_sentinels)
        await (visit.rightly() if is_aside else supplier.behave(visit))
        if supplier.area == LOGGING and (line := supplier.record(visit)):
            with self.log_of(supplier).open("a", encoding="utf-8") as log:
                log.write(f"{line}\n")

        if supplier.area == ALERTING:
            write(self.spool_of(supplier), supplier.tell(visit))

    def spool_of(self, supplier: AreaSupplier) -> Path:
        """The file of the receiver of a service's alerts."""
        return self.folder / f"{supplier.id}.jsonl"

    def log_of(self, supplier: AreaSupplier) -> Path:
        """The log that a service keeps, in Squid's format."""
        return self.folder / f"{supplier.id}.log"

    def _look_up(self, supplier: AreaSupplier, question: Question) -> Said:
        return supplier.look_up(Lookup(question=question, told=self.told))


def _write_packs(area: Area, folder: Path) -> None:
    for kind, pages in area.packs.items():
        name = f"{area.name}-{kind}"
        details = PackDetails(
            name=name,
            version="1.0.0",
            title=f"Items for hostile services: {area.title}",
            created="2026-03-02T12:00:00Z",
            audience="supplier" if kind == "agreed" else "assessor",
            kind=kind,
        )
        write_pack(folder / name, [dict.fromkeys(COLUMNS, "") | row for row in pages.rows], details)


def _scheme(area: Area) -> dict[str, Any]:
    return {
        "id": "hostile-areas",
        "version": "1.0",
        "title": area.title,
        "policy": "uk-schools-2026",
        "decision": {"alpha": 0.33},
        "requirements": [dict(each) for each in area.requirements],
    }
