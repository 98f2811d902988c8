"""Services whose block pages only seem to be in order."""

from __future__ import annotations

from urllib.parse import unquote

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import ILLEGAL, Visit

block = in_area("blockpage", spares_sentinels=False)

ANNOUNCED, OVER_HTTPS, FIELDS, DEFECTS, WORDING = "BLK-01", "BLK-02", "BLK-03", "BLK-05", "ILL-07"
TRACKER = "counter.analytics.test"


async def _hiding(visit: Visit, around: str, style: str = "") -> None:
    """Show the block page with all its fields inside another element."""
    hidden = "".join(
        f"{name}: {value}. "
        for name, value in (
            ("Reason", "not allowed"),
            ("Category", "gambling"),
            ("Policy", "pupils"),
            ("Reference", "1734"),
        )
    )
    link = 'If this is wrong, <a href="http://portal.filter.accredit.test/appeal">appeal</a>.'
    none = dict.fromkeys(("reason", "category", "policy", "reference", "appeal"), "")
    await _showing(visit, none | {"more": style + around.format(f"{hidden}{link}")})


async def _showing(visit: Visit, changes: dict[str, str], **headers: str) -> None:
    """Show the block page with changed lines."""
    code = visit.code_asked
    if not code:
        await visit.rightly()
        return
    page = visit.page(code, 403, **changes)
    await visit.call.give(page.with_body(page.body, **headers))


@block("States the fields of its block page in text that is not displayed.", {FIELDS})
async def fields_not_displayed(visit: Visit) -> None:
    await _hiding(visit, '<span style="display: none">{}</span>')


@block("States the fields of its block page in an element with the attribute hidden.", {FIELDS})
async def fields_with_hidden(visit: Visit) -> None:
    await _hiding(visit, "<span hidden>{}</span>")


@block("States the fields of its block page in text that a style sheet hides.", {FIELDS})
async def fields_hidden_by_a_sheet(visit: Visit) -> None:
    await _hiding(visit, '<span class="more">{}</span>', "<style>.more{display:none}</style>")


@block("States the fields of its block page in letters of size 0.", {FIELDS})
async def fields_of_size_0(visit: Visit) -> None:
    await _hiding(visit, '<span style="font-size:0">{}</span>')


@block("States the fields of its block page in white letters on white.", {FIELDS})
async def fields_in_white(visit: Visit) -> None:
    await _hiding(visit, '<span style="color:#fff;background:#fff">{}</span>')


@block("States the fields of its block page far outside the window.", {FIELDS})
async def fields_outside(visit: Visit) -> None:
    await _hiding(visit, '<span style="position:absolute;left:-9999px">{}</span>')


@block("States the fields of its block page in a template, which is never displayed.", {FIELDS})
async def fields_in_a_template(visit: Visit) -> None:
    await _hiding(visit, "<template>{}</template>")


@block("States the fields of its block page in a comment.", {FIELDS})
async def fields_in_a_comment(visit: Visit) -> None:
    await _hiding(visit, "<!-- {} -->")


@block("States the fields of its block page for clients without scripts only.", {FIELDS})
async def fields_without_scripts(visit: Visit) -> None:
    await _hiding(visit, "<noscript>{}</noscript>")


@block("Offers an appeal by a link that leads to the same page.", {FIELDS})
async def appeal_to_itself(visit: Visit) -> None:
    await _showing(visit, {"appeal": 'If this is wrong, <a href="#">appeal</a>.'})


@block("Offers an appeal by a link that runs an empty script.", {FIELDS})
async def appeal_by_empty_script(visit: Visit) -> None:
    link = '<a href="javascript:void(0)">appeal</a>'
    await _showing(visit, {"appeal": f"If this is wrong, {link}."})


@block("Offers an appeal by a link to the blocked page itself.", {FIELDS})
async def appeal_to_the_blocked_page(visit: Visit) -> None:
    scheme = "https" if visit.call.is_secure else "http"
    link = f'<a href="{scheme}://{visit.host}{visit.path}">appeal</a>'
    await _showing(visit, {"appeal": f"If this is wrong, {link}."})


@block("Names labels on its block page, and leaves their values empty.", {FIELDS})
async def empty_fields(visit: Visit) -> None:
    await _showing(visit, {"category": "Category: none.", "policy": "Policy: -."})


@block("Lets caches keep its block page from the second request for a page on.", {DEFECTS})
async def cacheable_later(visit: Visit) -> None:
    kept = "no-store" if visit.count == 1 else "public, max-age=86400"
    await _showing(visit, {}, Cache_Control=kept)


@block("Lets caches keep its block page by its date alone.", {DEFECTS})
async def cacheable_by_date(visit: Visit) -> None:
    dates = {"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "Expires": "Tue, 03 Mar 2026 12:00:00 GMT"}
    await _showing(visit, {}, Cache_Control="private", **dates)


@block("Contacts another site from a style of its block page.", {DEFECTS})
async def tracker_in_a_style(visit: Visit) -> None:
    await _showing(visit, {"more": f"<style>body{{background:url(//{TRACKER}/p.png)}}</style>"})


@block("Contacts another site from a style attribute of its block page.", {DEFECTS})
async def tracker_in_an_attribute(visit: Visit) -> None:
    await _showing(visit, {"more": f'<i style="background:url(https://{TRACKER}/p.png)"></i>'})


@block("Contacts another site by a header that asks browsers to load something.", {DEFECTS})
async def tracker_in_a_header(visit: Visit) -> None:
    await _showing(visit, {}, Link=f"<https://{TRACKER}/p.css>; rel=preload; as=style")


@block("Contacts another site from a script in its block page.", {DEFECTS})
async def tracker_in_a_script(visit: Visit) -> None:
    script = f"<script>new Image().src='https://{TRACKER}/p?'+location</script>"
    await _showing(visit, {"more": script})


@block("Shows the requested address unescaped in an attribute of its block page.", {DEFECTS})
async def address_in_an_attribute(visit: Visit) -> None:
    value = unquote(visit.path)
    await _showing(visit, {"address": "", "more": f'<input type="hidden" value="{value}">'})


@block("Shows the requested address unescaped in a script of its block page.", {DEFECTS})
async def address_in_a_script(visit: Visit) -> None:
    await _showing(visit, {"address": "", "more": f"<script>p='{unquote(visit.path)}'</script>"})


@block("Announces the first block of a page by its status, and answers later with 200.", {ANNOUNCED})  # fmt: skip
async def announces_once(visit: Visit) -> None:
    if visit.code_asked:
        await visit.block(visit.code_asked, 403 if visit.count == 1 else 200)
    else:
        await visit.rightly()


@block("Resets connections to blocked pages over HTTPS.", {ANNOUNCED, OVER_HTTPS})
async def resets_https(visit: Visit) -> None:
    if visit.call.is_secure and visit.code_asked:
        visit.call.stream.reset()
    else:
        await visit.rightly()


@block("Puts the wording for illegal pages into the title of another word.", {WORDING})
async def wording_in_a_title(visit: Visit) -> None:
    if visit.code_asked.startswith(ILLEGAL):
        text = "Indecent images of children are illegal (Internet Watch Foundation)."
        line = f'<abbr title="{text}">Why?</abbr> Help: <a href="/help">Stop It Now</a>'
        await _showing(visit, {"wording": line})
    else:
        await visit.rightly()


@block("Shows the page for illegal content only to the first request for each page.", {WORDING})
async def wording_once(visit: Visit) -> None:
    await _showing(visit, {} if visit.count == 1 else {"wording": ""})
