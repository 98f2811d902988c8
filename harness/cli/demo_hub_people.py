"""The people of ``accredit serve --demo``: placeholders, one for each role, and a few more.

Their names say that they are placeholders, and their addresses end in ``.invalid``, which no
domain does (RFC 2606).
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from harness.cli.demo_hub_files import BRIGHTWATER, GATEWAY, NORTHGATE
from harness.model.hub_access import Role
from harness.model.person_names import actor_name


class DemoPerson(NamedTuple):
    """A placeholder for a person; ``supplier`` and ``site`` are what it sees alone, if any."""

    account: str
    name: str
    role: Role
    supplier: str = ""
    site: str = ""

    @property
    def actor(self) -> str:
        """How events name it: as a hub writes who signed in, with a made-up account."""
        return actor_name(self.name, hashlib.sha256(self.account.encode()).hexdigest())

    @property
    def email(self) -> str:
        """The address with which it signs in."""
        return f"{self.account}@demo.invalid"


ASSESSOR = DemoPerson("assessor", "Placeholder Assessor", Role.ASSESSOR)
REVIEWER = DemoPerson("reviewer", "Placeholder Reviewer", Role.ASSESSOR)
DECISION_MAKER = DemoPerson("decision-maker", "Placeholder Decision Maker", Role.DECISION_MAKER)
OF_NORTHGATE = DemoPerson("northgate", "Placeholder of Northgate", Role.SUPPLIER, NORTHGATE)
OF_BRIGHTWATER = DemoPerson("brightwater", "Placeholder of Brightwater", Role.SUPPLIER, BRIGHTWATER)
OWNER = DemoPerson("scheme-owner", "Placeholder Scheme Owner", Role.SCHEME_OWNER)

PEOPLE = (
    DemoPerson("administrator", "Placeholder Administrator", Role.ADMINISTRATOR),
    OWNER,
    ASSESSOR,
    REVIEWER,
    DECISION_MAKER,
    OF_NORTHGATE,
    OF_BRIGHTWATER,
    DemoPerson("school", "Placeholder School", Role.SCHOOL, NORTHGATE, GATEWAY.sites[0]),
)
"""Who has an account."""
