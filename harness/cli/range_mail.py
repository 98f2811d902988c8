"""The file of ``accredit range up --mail``: the mail relay of the reference filter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.cli.printing import warn
from harness.errors import UsageError
from harness.model.declared import Declared
from harness.yaml_reader import read_document, validate
from probes.mail.mail_corpus import corpus_mails
from probes.net.route import parse_address
from probes.range.mail_policy import MailFault, MailPolicy, text_digest
from probes.range.mail_relay import RelaySettings

SMTP_PORT = 25


class RelayDeclaration(Declared):
    """A mail file.

    ``incoming`` and ``outgoing`` are where the relay listens, ``next_hop`` is where it passes mail
    on to (each HOST:PORT). ``domain`` is that of the school's addresses. ``restricted`` maps
    restricted accounts to those whom they may exchange mail with. ``spam`` is a corpus that the
    relay knows. ``faults`` are what it does wrong.
    """

    incoming: str
    outgoing: str
    next_hop: str
    domain: str
    restricted: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    spam: str = ""
    faults: Annotated[tuple[MailFault, ...], Field(strict=False)] = ()

    def settings(self, folder: Path) -> RelaySettings:
        """Return the settings of the relay; ``spam`` is relative to ``folder``.

        Raises UsageError.
        """
        known = corpus_mails(folder / self.spam, warn) if self.spam else ()
        return RelaySettings(
            policy=MailPolicy(
                domain=self.domain,
                restricted=self.restricted,
                spam=frozenset(text_digest(content) for _, content in known),
                faults=frozenset(self.faults),
            ),
            incoming=parse_address(self.incoming, "incoming", SMTP_PORT),
            outgoing=parse_address(self.outgoing, "outgoing", SMTP_PORT),
            next_hop=parse_address(self.next_hop, "next_hop", SMTP_PORT),
        )


def read_relay(path: Path) -> RelaySettings:
    """Read a mail file.

    Raises UsageError and FaultyDocument.
    """
    try:
        return validate(read_document(path), RelayDeclaration).settings(path.parent)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
