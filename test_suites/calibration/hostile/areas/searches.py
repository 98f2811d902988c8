"""Services that lock search engines for the test's eyes, and leave a way to the results."""

from __future__ import annotations

from urllib.parse import quote_plus, urlsplit

from harness.model.search_case import SearchLock
from probes.range.search_service import cookies_of, query_of
from probes.range.zone import original_host
from test_suites.calibration.hostile.areas.area_supplier import Lookup, in_area
from test_suites.calibration.hostile.areas.visit import Visit
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.name_service import Said

search = in_area("search")

LOCKED, OPT_OUTS, FILMS, QUERIES, RESULTS = "DYN-01", "DYN-02", "DYN-03", "DYN-04", "DYN-05"
EVERY_LOCK = {LOCKED, OPT_OUTS, FILMS, RESULTS}
INNER = "/more"
"""A path of the supplier's own."""


def lock_of(visit: Visit) -> SearchLock:
    """The lock of the engine that is asked."""
    return SearchLock.parse(visit.told.policy.engines.get(original_host(visit.host), ""))


@search("Locks engines over HTTP only.", {LOCKED})
async def locks_over_http_only(visit: Visit) -> None:
    await _unless(visit, visit.call.is_secure)


@search("Locks engines by parameters only.", {LOCKED, FILMS, OPT_OUTS})
async def locks_by_parameters_only(visit: Visit) -> None:
    await _unless(visit, lock_of(visit).kind in ("header", "cookie"))


@search("Adds the lock's parameter to an address that already has one, which it keeps.", {OPT_OUTS})
async def keeps_other_parameters(visit: Visit) -> None:
    lock = lock_of(visit)
    query = urlsplit(visit.path).query
    has_own = lock.kind == "parameter" and any(f"{name}=" in query for name, _ in lock.pairs)
    if has_own:
        added = "&".join(f"{name}={quote_plus(value)}" for name, value in lock.pairs)
        await visit.send(await visit.ask_for(f"{visit.path}&{added}"))
    else:
        await visit.rightly()


@search("Does not lock the searches of a client that sends a cookie of the engine.", {OPT_OUTS})
async def trusts_cookies(visit: Visit) -> None:
    names = {name for name, _ in cookies_of(visit.request)}
    await _unless(visit, bool(names & {"safesearch", "account"}))


@search("Asks video sites for the weakest of their modes.", {FILMS})
async def weakest_mode(visit: Visit) -> None:
    await _unless(visit, visit.is_about("video:strict"))


@search("Blocks only queries that are spelt as agreed.", {QUERIES})
async def agreed_spelling_only(visit: Visit) -> None:
    words = set(query_of(visit.request).split())
    if visit.is_about("query:") and not words & set(visit.told.policy.terms):
        await visit.pass_on()
    else:
        await visit.rightly()


@search("Blocks every query to an engine.", {QUERIES, RESULTS, LOCKED, OPT_OUTS, FILMS}, only="Harmless queries are blocked as well, so a block says nothing about the words, and no lock is seen.")  # fmt: skip
async def blocks_every_query(visit: Visit) -> None:
    if query_of(visit.request):
        await visit.block("LOC.SRCH")
    else:
        await visit.rightly()


@search("Shows the locked page of an engine, and below it the results of the search.", EVERY_LOCK)
async def locked_page_and_results(visit: Visit) -> None:
    locked = Answer.read(await visit.ask(visit.forwarded))
    free = Answer.read(await visit.ask(visit.request))
    if locked.body == free.body or visit.code_asked or visit.is_about("open:"):
        await visit.rightly()
    else:
        await visit.call.give(locked.html(locked.body + free.body))


@search("Shows the locked page of an engine with a frame that contains the results.", EVERY_LOCK)
async def locked_page_with_frame(visit: Visit) -> None:
    await _led_by(visit, '<iframe src="{}"></iframe>')


@search("Shows the locked page of an engine with a link to the results.", EVERY_LOCK)
async def locked_page_with_link(visit: Visit) -> None:
    await _led_by(visit, '<a href="{}">All results</a>')


@search("Shows the locked page of an engine, which reloads itself with the results.", EVERY_LOCK)
async def locked_page_that_reloads(visit: Visit) -> None:
    await _led_by(visit, '<meta http-equiv="refresh" content="1; url={}">')


@search("Shows the locked page of an engine with a script that leads to the results.", EVERY_LOCK)
async def locked_page_with_script(visit: Visit) -> None:
    await _led_by(visit, "<script>location='{}'</script>")


def _first_alias(lookup: Lookup) -> Said:
    service = lookup.question.service
    return lookup.rightly() if service.seen[lookup.question.way] == 1 else lookup.question.truth()


def _no_alias(lookup: Lookup) -> Said:
    is_locked = SearchLock.parse(lookup.told.policy.engines.get(lookup.host, "")).kind == "dns"
    return lookup.question.truth() if is_locked else lookup.rightly()


@search("Gives the locking name of an engine for the first question, and then its own address.", {LOCKED, FILMS}, look_up=_first_alias)  # fmt: skip
async def locks_the_first_question(visit: Visit) -> None:
    await visit.rightly()


@search("Does not lock engines in DNS.", {LOCKED, FILMS}, look_up=_no_alias)
async def no_lock_by_name(visit: Visit) -> None:
    await visit.rightly()


async def _led_by(visit: Visit, element: str) -> None:
    """Show the locked page with one more element; the results are at another path."""
    if visit.path.startswith(INNER):
        await visit.send(await visit.ask_for(visit.path.removeprefix(INNER)))
        return
    locked = Answer.read(await visit.ask(visit.forwarded))
    free = Answer.read(await visit.ask(visit.request))
    if locked.body == free.body or visit.code_asked:
        await visit.rightly()
    else:
        more = element.format(f"{INNER}{visit.path}").encode()
        await visit.call.give(locked.html(locked.body.replace(b"</body>", more + b"</body>")))


async def _unless(visit: Visit, is_missed: bool) -> None:
    await visit.rightly_unless(is_missed and not visit.code_asked)
