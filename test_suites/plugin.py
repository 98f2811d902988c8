"""The pytest plug-in: ``--campaign FILE`` measures first, ``--journal PATH`` only reads.

Any test that asks for ``outcome`` runs once per requirement, profile and line, with an id such
as ``URL-01-ks2-proxy`` and a marker for area (``-m url``) and severity (``-m crit``).
``assessment`` is the whole, once a session.

Which requirements apply is known only after concluding, so measuring happens when the session
starts, before tests are collected; a journal that exists already is resumed. Under pytest-xdist
only the controller measures, and its workers read the journal.

Without these options the plug-in does nothing but skip tests that ask for an outcome, and fail
the accreditation suite itself, which nobody runs to see it green; it imports nothing heavy, as it
is loaded into every pytest run of an environment it is installed in.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.model.outcome import Assessment, Outcome

ASSESSMENT = pytest.StashKey["Assessment"]()
JOURNAL = pytest.StashKey[Path]()
NO_CAMPAIGN = "nothing to assess: give --campaign FILE or --journal PATH"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our three options, in a group of their own."""
    group = parser.getgroup("accredit", "accreditation of a filtered internet service")
    group.addoption(
        "--campaign",
        dest="accredit_campaign",
        metavar="FILE",
        help="measure the campaign of this file first (resumes its journal)",
    )
    group.addoption(
        "--journal",
        dest="accredit_journal",
        metavar="PATH",
        help="read the journal in this folder; nothing is sent or written",
    )
    group.addoption(
        "--scheme",
        dest="accredit_scheme",
        metavar="NAME",
        help="assess it against this scheme (a shipped name or a file); default: the campaign's own",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a pytest-xdist worker which journal the controller has measured."""
    journal = node.config.stash.get(JOURNAL, None)
    if journal is not None:
        node.workerinput["accredit_journal"] = str(journal)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Measure if asked to, conclude, and keep the assessment. A user's mistake ends the run."""
    config = session.config
    if not _is_asked(config):
        return
    from harness.errors import HarnessError  # noqa: PLC0415 - only if asked

    try:
        journal = _journal(config)
        assessment = _conclude(journal, config.getoption("accredit_scheme"))
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    if not assessment.outcomes:
        msg = f"{journal}: scheme {assessment.scheme!r} has no requirement that applies here"
        raise pytest.UsageError(msg)
    config.stash[JOURNAL] = journal
    config.stash[ASSESSMENT] = assessment
    for outcome in assessment.outcomes:
        for name, about in _markers(outcome).items():
            config.addinivalue_line("markers", f"{name}: {about}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per outcome, for every test that asks for our ``outcome``."""
    assessment = metafunc.config.stash.get(ASSESSMENT, None)
    if assessment is None or "accredit_outcome" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(
            name_of(outcome),
            id=name_of(outcome),
            marks=[getattr(pytest.mark, name) for name in _markers(outcome)],
        )
        for outcome in assessment.outcomes
    ]
    metafunc.parametrize("accredit_outcome", cases)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print which campaign is assessed against which scheme."""
    assessment = config.stash.get(ASSESSMENT, None)
    if assessment is None:
        return []
    from harness.untrusted.visible_text import visible  # noqa: PLC0415 - only if asked

    scheme = f"{assessment.scheme} {assessment.scheme_version}"
    limit = f"{assessment.conformity}: {assessment.qualifier}; " if assessment.qualifier else ""
    warnings = [f"accredit: warning: {sentence}" for sentence in assessment.warnings]
    lines = [f"accredit: {limit}campaign {assessment.campaign} against {scheme}", *warnings]
    return [visible(line) for line in lines]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what cannot be skipped without looking like a success."""
    module = getattr(item, "module", None)
    if getattr(module, "NEEDS_A_CAMPAIGN", False) and ASSESSMENT not in item.config.stash:
        pytest.fail(NO_CAMPAIGN, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the sentence alone where an outcome speaks for itself: our code is not the news."""
    report = yield
    if call.excinfo is not None and getattr(call.excinfo.value, "speaks_for_itself", False):
        told = call.excinfo.getrepr(style="value")
        if told.reprcrash is not None:
            told.reprcrash.message = str(call.excinfo.value)  # without the exception's name
        report.longrepr = told
    return report


@pytest.fixture(scope="session")
def assessment(pytestconfig: pytest.Config) -> Assessment:
    """The assessment of this session: all outcomes and what they rest on."""
    found = pytestconfig.stash.get(ASSESSMENT, None)
    if found is None:
        pytest.skip(NO_CAMPAIGN)
    return found


@pytest.fixture
def accredit_outcome() -> str:
    """The name of this test's outcome, set by parametrisation."""
    pytest.skip(NO_CAMPAIGN)


@pytest.fixture
def outcome(assessment: Assessment, accredit_outcome: str) -> Outcome:
    """One outcome: a requirement, for a profile, on a line."""
    return next(each for each in assessment.outcomes if name_of(each) == accredit_outcome)


def name_of(outcome: Outcome) -> str:
    """``URL-01-ks2-proxy``: pytest puts it into brackets."""
    return f"{outcome.requirement.id}-{outcome.profile}-{outcome.line}"


def _is_asked(config: pytest.Config) -> bool:
    return bool(config.getoption("accredit_campaign") or config.getoption("accredit_journal"))


def _journal(config: pytest.Config) -> Path:
    """The journal to read; measures first unless it was named (or a controller did)."""
    given = getattr(config, "workerinput", {}).get("accredit_journal")
    given = given or config.getoption("accredit_journal")
    campaign = config.getoption("accredit_campaign")
    if not campaign or getattr(config, "workerinput", None) is not None:
        return Path(given)
    if given:
        raise pytest.UsageError("give --campaign FILE or --journal PATH, not both")
    from harness.cli.measure import measure_campaign  # noqa: PLC0415 - only if asked

    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        return measure_campaign(Path(campaign), None)
    with capture.global_and_fixture_disabled():  # progress is for the person who waits
        return measure_campaign(Path(campaign), None)


def _conclude(path: Path, scheme: str | None) -> Assessment:
    """Conclude from a journal folder (or its campaign's folder) without writing anything."""
    from harness.cli.paths import journal_folder, paths_of_journal  # noqa: PLC0415 - only if asked
    from harness.cli.registry_session import appeals_in  # noqa: PLC0415 - only if asked
    from harness.pipeline import conclude  # noqa: PLC0415 - scipy is heavy
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - only if asked
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - only if asked

    folder = journal_folder(path)
    journal = open_journal(folder)
    try:
        heard = with_corrected_labels(journal, appeals_in(paths_of_journal(folder).registry))
        return conclude(heard, load_scheme(scheme or journal.header.campaign.scheme))
    finally:
        journal.close()


def _markers(outcome: Outcome) -> dict[str, str]:
    """The markers of an outcome, and what each stands for; a name must be an identifier."""
    requirement = outcome.requirement
    return {
        re.sub(r"\W", "_", requirement.area.lower()): f"requirements of area {requirement.area!r}",
        requirement.severity.lower(): f"requirements of severity {requirement.severity}",
    }
