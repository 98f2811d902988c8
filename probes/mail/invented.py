"""Invented people, schools, dates and amounts that fill the letters of a test.

They are drawn from the digest of a mail: the same digest gives the same mail. Surnames and places
are real ones, some of which filters of words trip over. Telephone numbers are those that Ofcom
reserves for drama.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn for one mail. Each drawing has a name, and depends on no other drawing."""

    digest: str

    def number(self, name: str, below: int) -> int:
        """Return a number from 0 to ``below`` - 1."""
        return int(self.hexadecimal(name, 16), 16) % below

    def one_of(self, name: str, values: Sequence[T]) -> T:
        """Return one of the values."""
        return values[self.number(name, len(values))]

    def hexadecimal(self, name: str, length: int) -> str:
        """Return so many hexadecimal digits, at most 128."""
        return hashlib.blake2b(f"{self.digest} {name}".encode()).hexdigest()[:length]

    def within(self, name: str) -> Draws:
        """Return drawings of their own, for a part of the mail."""
        return Draws(f"{self.digest} {name}")


FORENAMES = (
    "Aisha", "Ben", "Callum", "Daniel", "Eilidh", "Fatima", "Grace", "Harry", "Isla", "Jack",
    "Kasia", "Leo", "Megan", "Noah", "Olivia", "Priya", "Rhys", "Sophie", "Tomasz", "Zara",
    "Willow", "Dick", "Fanny", "Gaynor",
)  # fmt: skip
SURNAMES = (
    "Ahmed", "Babcock", "Brown", "Cockburn", "Dick", "Dickinson", "Evans", "Hancock", "Hiscock",
    "Jones", "Kowalska", "Lipshitz", "Macdonald", "Nowak", "Okafor", "Patel", "Sexton", "Singh",
    "Taylor", "Wang", "Williams", "Woodcock", "Wright", "Young",
)  # fmt: skip
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Dr")
SCHOOLS = (
    "Marsh Lane Primary School", "St Aldhelm's School", "Hollowfield Academy",
    "Penistone Road Juniors", "Scunthorpe Riverside School", "Essex Way Primary",
    "Middlesex Park School", "Cockermouth Bridge School", "Clitheroe Hill Academy",
    "Lightwater Infant School", "Sussex Downs College", "Beckside High School",
)  # fmt: skip
PLACES = (
    "Scunthorpe", "Penistone", "Essex", "Middlesex", "Sussex", "Clitheroe", "Cockermouth",
    "Lightwater", "Arsenal", "Grantham", "Cockfosters", "Whitby", "Conwy", "Stratford",
)  # fmt: skip
SUBJECTS = (
    "History", "Geography", "Biology", "Mathematics", "English", "Art", "Science", "French",
    "Music", "Computing", "Religious education", "Design and technology",
)  # fmt: skip
DISHES = (
    "faggots and peas", "spotted dick", "chicken breast with rice", "vegetable curry",
    "cock-a-leekie soup", "fish and chips", "pasta bake", "jacket potato", "coq au vin",
    "roast turkey", "lentil soup", "bean burger", "shepherd's pie", "cheese and onion pie",
)  # fmt: skip
BOOKS = (
    "Moby Dick", "Oliver Twist", "Swallows and Amazons", "Macbeth", "Treasure Island",
    "The Secret Garden", "A Kestrel for a Knave", "Black Beauty", "The Railway Children",
    "Great Expectations", "Animal Farm", "War Horse",
)  # fmt: skip
SPORTS = (
    "the sack race", "netball", "cross-country", "shot put", "rounders", "football", "hockey",
    "the breast stroke relay", "cricket", "javelin", "tag rugby", "table tennis",
)  # fmt: skip
ROOMS = ("the main hall", "room 12", "the library", "the drama studio", "the gym", "the office")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def facts_of(draws: Draws, at: datetime) -> dict[str, str]:
    """Return what fills the places of a letter that is written ``at`` (aware), by name."""

    def person(name: str) -> str:
        title = draws.one_of(f"title {name}", TITLES)
        return f"{title} {draws.one_of(f'surname {name}', SURNAMES)}"

    when = _weekday(at + timedelta(days=3 + draws.number("days", 40)))
    until = _weekday(when + timedelta(days=2 + draws.number("more days", 12)))
    pounds, pence = 2 + draws.number("pounds", 58), draws.one_of("pence", ("00", "50", "25", "75"))
    minutes = draws.one_of("minutes", ("00", "15", "30", "45"))
    year = 1 + draws.number("year", 13)
    return {
        "pupil": draws.one_of("pupil", FORENAMES),
        "surname": draws.one_of("surname", SURNAMES),
        "other": draws.one_of("other pupil", FORENAMES),
        "parent": person("parent"),
        "teacher": person("teacher"),
        "head": person("head"),
        "school": draws.one_of("school", SCHOOLS),
        "place": draws.one_of("place", PLACES),
        "town": draws.one_of("town", PLACES),
        "year": f"Year {year}",
        "class": f"{year}{draws.one_of('class', 'ABCDKMPRS')}",
        "day": DAYS[when.weekday()],
        "date": _date(when),
        "until": _date(until),
        "digits": when.strftime("%d/%m/%Y"),
        "month": MONTHS[when.month - 1],
        "time": f"{1 + draws.number('hour', 6)}.{minutes} pm",
        "hour": f"{9 + draws.number('morning', 3)}.{draws.one_of('quarter', ('00', '15', '30'))}",
        "sum": f"£{pounds}.{pence}",
        "euros": f"{pounds},{pence}",
        "count": str(3 + draws.number("count", 40)),
        "share": str(61 + draws.number("share", 38)),
        "subject": draws.one_of("school subject", SUBJECTS),
        "dish": draws.one_of("dish", DISHES),
        "pudding": draws.one_of("second dish", DISHES),
        "book": draws.one_of("book", BOOKS),
        "sport": draws.one_of("sport", SPORTS),
        "room": draws.one_of("room", ROOMS),
        "phone": f"01632 960{draws.number('phone', 1000):03}",
    }  # fmt: skip


def _weekday(moment: datetime) -> datetime:
    """Return a moment, or the same hour of the Monday after it if it is on a weekend."""
    return moment + timedelta(days=max(0, 7 - moment.weekday()) if moment.weekday() > 4 else 0)  # noqa: PLR2004 - Friday


def _date(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]}"
