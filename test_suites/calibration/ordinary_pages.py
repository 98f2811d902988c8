"""Makes ordinary pages that contain the words of block pages: shops, news, manuals, clubs.

Everything is drawn from a seed; each page has its words *block*, *filter*, *denied*,
*restricted* or *access* for a reason of its own.
"""

from __future__ import annotations

import random

SUBJECTS = (
    ("Blocked drains cleared today", ("Our engineers clear blocked drains. Access to the sewer is "
     "not restricted. Call us for a price. Opening hours, reviews and contact details below.")),
    ("Water filters and cartridges", ("Filter your results by brand. Category: Kitchen. A blocked "
     "filter should be replaced every year. Add to basket. Delivery is free.")),
    ("Appeal denied: keeper blocked late shot", ("The goalkeeper blocked a late shot and denied the "
     "visitors a point, the manager said. Report by our sports desk. Comments (12)")),
    ("How to fix a 403 access denied error", ("In this tutorial we show how to fix an access denied "
     "error on your own server. Read more of our guides. Subscribe to the newsletter.")),
    ("Road blocked by a fallen tree", ("Police said the road was blocked and access to the village "
     "restricted until Monday. Drivers should use the A5. Updated at noon.")),
    ("Restricted diets: a cook's guide", ("Nuts are forbidden, sugar is restricted, and a coffee "
     "filter helps. Subscribe for more recipes. Share this page. About us.")),
    ("Building blocks for toddlers", ("A set of forty wooden blocks in a cotton bag. Category: Toys. "
     "Add to basket. Customers who bought this also bought. Reviews")),
    ("What is a web filter?", ("A web filter decides which pages are blocked. In this guide we "
     "explain categories, policies and how a page is denied. Read more on our blog.")),
    ("Acceptable use policy", ("Pupils sign the acceptable use policy each year. Filters are used at "
     "school. News, term dates, about us, newsletter. Updated in September.")),
    ("Government publishes report on blocked websites", ("The report published on Monday lists "
     "websites that were blocked under court orders. Campaigners said access was denied. Share")),
    ("Parking: access restricted on match days", ("Access to the car park is restricted on match "
     "days. Tickets, booking and opening hours are on our web site. Search")),
    ("Visa denied? Talk to us", ("If your visa was denied, our solicitors can help. Book a meeting. "
     "Price list. What our clients say. About us.")),
    ("Photography filters explained", ("A filter blocks part of the light. We review the best "
     "filters of the year. Prices, reviews, newsletter. Add to basket.")),
    ("Members' area", ("Access is restricted to members. Log in or register. Forgotten your "
     "password? Membership costs five pounds. About us.")),
    ("Adblock plus coffee: a podcast", ("This week: ad blockers, denied cookies and restricted "
     "content. Subscribe, share and download the episode. Comments")),
    ("Hay fever: blocked nose", ("A blocked nose is a symptom of hay fever. Treatment, symptoms and "
     "when to see a doctor. Page reviewed and updated last year.")),
    ("Cardiology: blocked arteries", ("Blocked arteries are treated by a filter or a stent. Access "
     "is through the wrist. Symptoms and treatment. Search the hospital.")),
    ("Tower block refurbishment", ("The council said access to the tower block is restricted while "
     "work goes on. Updated weekly. Contact the housing team. News")),
    ("Denied boarding: your rights", ("Passengers who are denied boarding may claim. Download the "
     "form. How to claim, what to expect, and how long it takes.")),
    ("Open Rights: are you blocked?", ("Check whether your own site is blocked by filters. Enter a "
     "URL, read our reports, donate or join. About us. Blog")),
)  # fmt: skip
FILLING = (
    "We are open from nine to five.", "Parking is free for visitors.", "Sign up for our news.",
    "The next meeting is on Thursday.", "Thank you to all who helped.", "See the map for the way.",
    "Tea and cakes are served in the hall.", "Dogs are welcome in the garden.",
    "Photographs by the members.", "Prices include tax.", "Privacy and cookies.",
)  # fmt: skip


def ordinary_pages(count: int = 200, seed: str = "ordinary pages") -> list[str]:
    """Pages that contain the telling words and block nothing."""
    draw = random.Random(seed)
    return [_made(draw, SUBJECTS[number % len(SUBJECTS)]) for number in range(count)]


def as_seen_again(page: str, seed: str) -> str:
    """The same page a moment later: another note of the day, another number of visitors."""
    draw = random.Random(seed)
    note = f"<p>{draw.choice(FILLING)} Visitors today: {draw.randint(1, 9999)}</p></body>"
    return page.replace("</body>", note)


def _made(draw: random.Random, subject: tuple[str, str]) -> str:
    title, says = subject
    filling = " ".join(f"<p>{line}</p>" for line in draw.sample(FILLING, draw.randint(4, 9)))
    name = draw.choice(("Riverton Gazette", "Home & Garden", "Town Club", "Kelly and Sons"))
    return (
        f"<html><head><title>{title} | {name}</title></head><body><nav>Home News Contact</nav>"
        f"<h1>{title}</h1><p>{says}</p>{filling}<footer>{name}</footer></body></html>"
    )
