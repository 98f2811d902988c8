"""The declaration of the service under test in a campaign file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.availability import Continuity
from harness.model.declared import Declared, Handling
from harness.model.service_alert import AlertContacts
from harness.model.service_log import RecordKeeping
from harness.model.service_mail import MailService
from harness.model.service_speed import Bandwidth
from harness.model.url_case import NewSites


class BlockPage(Declared):
    """The supplier's block page as declared; at least one of the three fields is needed.

    ``text`` is a sentence on the page, ``host`` the target of redirects and frames: a name or an IP
    address, which may be private.
    """

    title: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(pattern=r"^(\S.{10,998}\S)?$")] = ""
    host: Annotated[str, Field(pattern=r"^([A-Za-z0-9._:-]{1,253})?$")] = ""

    @model_validator(mode="after")
    def _says_something(self) -> BlockPage:
        if not (self.title.strip() or self.text or self.host):
            msg = "a block page needs a title, a text or a host"
            raise ValueError(msg)
        return self


class NoDecrypt(Declared):
    """The sites whose connections the service does not open, as agreed with the supplier.

    ``hosts`` are names, each with all names below it. ``without_decryption`` says how finely such a
    site can still be filtered, such as ``domain names``.
    """

    hosts: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,253}$")], ...],
        Field(strict=False, min_length=1),
    ]
    without_decryption: Annotated[str, Field(max_length=300)] = ""

    def covers(self, host: str) -> bool:
        """Whether a host is among them, or below one of them."""
        name = host.lower().rstrip(".")
        return any(
            name == each or name.endswith(f".{each}")
            for each in (one.lower().strip(".") for one in self.hosts)
        )


class Service(Declared):
    """The filtered internet service under test, its supplier and its block page.

    ``new_sites`` and ``archives`` are what its policy does with sites that it does not know, and
    with archives that are hard to scan, ``features`` which AMTSO feature checks it supports
    (default: all). ``records`` says what its log shows, ``alerts`` whom it notifies, ``mail`` how
    mail reaches it, ``continuity`` what is declared of faults, ``bandwidth`` what its line carries,
    ``no_decrypt`` which sites it does not decrypt.
    """

    name: str
    supplier: str = ""
    version: str = ""
    block_page: BlockPage | None = None
    new_sites: NewSites | None = None
    archives: dict[Literal["deep", "encrypted", "huge"], Handling] = Field(default_factory=dict)
    features: Annotated[
        tuple[Literal["manual", "drive-by", "compressed", "pua", "phishing", "cloud"], ...] | None,
        Field(strict=False),
    ] = None
    records: RecordKeeping | None = None
    alerts: AlertContacts | None = None
    mail: MailService | None = None
    continuity: Continuity | None = None
    bandwidth: Bandwidth | None = None
    no_decrypt: NoDecrypt | None = None
