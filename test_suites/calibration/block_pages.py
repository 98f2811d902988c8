"""Makes block pages of many styles: with and without the telling words, in English and Welsh.

Styles are laid out as products lay theirs out (a headline, a table of facts, a frame, a card),
wordings are of our own making. Everything is drawn from a seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

CATEGORIES = ("Gambling", "Games", "Pornography", "Weapons", "Proxy avoidance", "Social media")
SCHOOLS = ("Hillside School", "St Anne's Academy", "Riverside College", "Ysgol y Bryn")
STATUSES = (200, 403, 503)

WORDED = (
    ("Access denied", "Access to this website has been blocked by your school."),
    ("Web page blocked", "The page you requested has been blocked by the web filter."),
    ("Blocked", "This site is blocked because it belongs to the category {category}."),
    ("Content filter notification", "Your request was denied because of its category."),
    ("Restricted", "Access to {url} is restricted by the network administrator."),
    ("Site blocked", "{school} has blocked this site. Speak to your teacher if you need it."),
    ("Access to this site is denied", "It was filtered under the acceptable use policy."),
    ("This website is not permitted", "This page is prohibited by the policy of {school}."),
    ("URL filter", "You are not allowed to browse pages in the category {category}."),
    ("Filtered", "{url} was filtered by your broadband settings. Change parental controls."),
    ("Court order", "Access to this site has been disabled under an order of the High Court."),
    ("Warning", "This page is denied: it may contain malware or phishing."),
)
WORDLESS = (
    ("Not available at school", "The page you are trying to reach is against school policy."),
    ("Sorry", "Your school's internet policy does not allow this website."),
    ("Oops", "You tried to visit a page that breaks our acceptable use policy."),
    ("Let's stay on task", "Your teacher keeps this one for home. Category: {category}."),
    ("Not this one", "Hillside's network settings prevent access to this site."),
    ("Internet safety", "You don't have permission to visit this website. Category: {category}."),
    ("Hold on", "This page cannot be viewed because of your age group. User: pupil17"),
    ("This page is off limits", "Ask your IT department for a review. URL: {url}"),
    ("Unsuitable", "The website you requested is not suitable for pupils at {school}."),
    ("Notice", "{school} does not allow this website on its network. Policy: Pupils"),
)
WELSH = (
    ("Mynediad wedi'i wrthod", "Mae'r wefan hon wedi'i rhwystro gan bolisi'r ysgol."),
    ("Gwefan wedi'i blocio", "Mae mynediad i'r dudalen hon wedi'i gyfyngu. Categori: {category}"),
    ("Hidlydd y we", "Ni chaniateir y dudalen hon yn yr ysgol. Gofynnwch i'ch athro."),
    ("Tudalen ddim ar gael", "Mae polisi rhyngrwyd yr ysgol yn atal y dudalen hon."),
    ("Ddim yn yr ysgol", "Nid yw'r wefan hon ar gael ar rwydwaith {school}."),
)

LAYOUTS = (
    "<h1>{title}</h1><p>{says}</p>",
    "<div class=card><h2>{title}</h2><p>{says}</p><small>{school}</small></div>",
    (
        "<table><tr><td>{title}</td></tr><tr><td>{says}</td></tr><tr><td>URL:</td><td>{url}</td></tr>"
        "<tr><td>Client IP:</td><td>10.20.4.17</td></tr></table>"
    ),
    "<center><img alt=logo src=/logo.png><h3>{title}</h3>{says}<hr>Reference: 7f3a</center>",
    "<p>{says}</p><p>If you believe this is a mistake, contact the IT helpdesk.</p>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPage:
    """One page, and the style it is made in."""

    style: str
    status: int
    body: str


def block_pages(seed: str = "block pages") -> list[BlockPage]:
    """Every wording in every layout and status: well over thirty styles."""
    draw = random.Random(seed)
    kinds = (("worded", WORDED), ("wordless", WORDLESS), ("welsh", WELSH))
    return [
        _made(draw, f"{kind} {number}", status, wording, layout)
        for kind, wordings in kinds
        for number, wording in enumerate(wordings, 1)
        for layout in LAYOUTS
        for status in STATUSES
    ]


def _made(
    draw: random.Random, style: str, status: int, wording: tuple[str, str], layout: str
) -> BlockPage:
    facts = {
        "category": draw.choice(CATEGORIES),
        "school": draw.choice(SCHOOLS),
        "url": f"http://www.site-{draw.randint(1, 999)}.example/",
    }
    title, says = (part.format(**facts) for part in wording)
    body = layout.format(title=title, says=says, **facts)
    padding = "<style>.x{margin:0}</style>" * draw.randint(0, 40)
    return BlockPage(
        style=style,
        status=status,
        body=f"<html><head><title>{title}</title>{padding}</head><body>{body}</body></html>",
    )
