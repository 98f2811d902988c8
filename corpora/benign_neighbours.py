"""The benign neighbour of each category, for over-blocking: what a crude filter takes it for."""

from __future__ import annotations

TWIN_OF = {
    "ILL": "ALW.NEWS",
    "DISC": "ALW.HIST",
    "DRUG": "ALW.DRUGED",
    "EXTR": "ALW.NEWS",
    "GAMB": "ALW.CURR",
    "HARM": "ALW.SUPPORT",
    "MALW": "ALW.TECH",
    "PIRA": "ALW.ARTS",
    "PORN": "ALW.SEXED",
    "PORN.NUDE": "ALW.ARTS",
    "VIOL": "ALW.HIST",
    "ADLT": "ALW.ARTS",
    "CRIM": "ALW.GOV",
    "MISI": "ALW.NEWS",
    "VAWG": "ALW.SUPPORT",
    "LOC": "ALW.BIZ",
    "LOC.ACAD": "ALW.EDU",
    "LOC.ALCO": "ALW.DRUGED",
    "LOC.CACH": "ALW.REF",
    "LOC.CBD": "ALW.HEALTH",
    "LOC.CHAT": "ALW.SUPPORT",
    "LOC.DATE": "ALW.SEXED",
    "LOC.FSHR": "ALW.EDU",
    "LOC.GAME": "ALW.CHILD",
    "LOC.GENAI": "ALW.TECH",
    "LOC.HOST": "ALW.EDU",
    "LOC.OCCU": "ALW.REL",
    "LOC.P2P": "ALW.TECH",
    "LOC.REMO": "ALW.TECH",
    "LOC.SOCN": "ALW.NEWS",
    "LOC.SRCH": "ALW.REF",
    "LOC.STRM": "ALW.CURR",
    "LOC.TOBA": "ALW.DRUGED",
    "LOC.TRNS": "ALW.REF",
}
"""The benign neighbour of each category: what a crude filter takes it for."""


def twin_of(code: str) -> str:
    """The must-allow category beside a category, or beside the one above it.

    Raises KeyError for a category that is harmless itself.
    """
    return TWIN_OF.get(code) or TWIN_OF[code.split(".", maxsplit=1)[0]]
