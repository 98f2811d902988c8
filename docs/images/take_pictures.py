"""Takes the pictures of the README and the guides, in Chromium.

They show the report and the terminal's own output of the demo, and pages of a site of invented
services.

Run from the root: ``python docs/images/take_pictures.py``. It needs Debian's chromium.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import sync_playwright
from rich.console import Console

from harness.cli.demo import demo_command
from harness.store.assessments import read_assessment
from reports.dashboard.access import COOKIE
from reports.site.private_pages import private_files
from reports.site.public_facts import public_register
from reports.site.public_pages import public_files
from reports.terminal import render_assessment
from test_suites.browser.chromium import FLAGS
from test_suites.kit.hubs.demo_hub_example import NORTHGATE, opened_demo
from test_suites.kit.hubs.hub_serving import served
from test_suites.kit.hubs.site_example import NOW, example_views

HERE = Path(__file__).resolve().parent


class HubPicture(NamedTuple):
    """A picture of a page of the hub; width and height of the window are in CSS pixels."""

    name: str
    path: str
    width: int
    height: int
    is_dark: bool = False


GATEWAY = f"/services/{quote(NORTHGATE)}/SchoolShield%20Gateway"
HUB = (
    HubPicture("hub.png", "/overview", 1280, 1180),
    HubPicture("hub-service.png", GATEWAY, 1280, 1180),
    HubPicture(
        "hub-requirement-dark.png", f"{GATEWAY}/requirements/URL-04", 1280, 1180, is_dark=True
    ),
    HubPicture("hub-plan.png", f"/plans/{quote(NORTHGATE)}/P-0003", 1280, 1180),
    HubPicture("hub-overview-telephone.png", "/overview", 390, 1180),
    HubPicture(
        "hub-alarm-telephone-dark.png",
        f"/alarms/{quote(NORTHGATE)}/A-0002",
        390,
        1180,
        is_dark=True,
    ),
)


def main() -> None:
    """Run the demo and photograph what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        demo_command(home, whole=True)
        places = home / "demo-run/demo"
        shoot(places / "report-becta-2008.html", HERE / "report.png", home, "1280,1400")
        console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
        render_assessment(read_assessment(places / "assessment-becta-2008.json"), console)
        drawn = home / "terminal.svg"
        drawn.write_text(console.export_svg(title="accredit conclude out/demo"), encoding="utf-8")
        page = home / "terminal.html"
        page.write_text(f'<body style="margin:0">{drawn.read_text(encoding="utf-8")}</body>')
        shoot(page, HERE / "terminal.png", home, "1100,1500")
    take_site()
    take_hub()


def take_hub() -> None:
    """Photograph pages of the hub of the demonstration, as its owner sees them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        opened_demo(Path(folder) / "hub") as hub,
        served(hub.app) as address,
        sync_playwright() as library,
    ):
        browser = library.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS])
        for each in HUB:
            context = browser.new_context(
                viewport={"width": each.width, "height": each.height},
                color_scheme="dark" if each.is_dark else "light",
            )
            context.add_cookies([{"name": COOKIE, "value": "owner", "url": address}])
            page = context.new_page()
            page.goto(f"{address}{each.path}")
            page.screenshot(path=HERE / each.name)
            context.close()
        browser.close()


def take_site() -> None:
    """Photograph pages of the site of the invented services."""
    with tempfile.TemporaryDirectory() as folder:
        home, views = Path(folder), example_views()
        files = public_files(public_register(views, NOW))
        files |= {
            f"owner/{name}": content
            for name, content in private_files(views, NOW, for_whom="for the owner").items()
        }
        for name, content in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(content.replace(b"PRIVATE ", b"").replace(b"PRIVATE-", b""))
        (trend,) = home.glob("owner/trends/schoolshield*.html")
        shoot(home / "index.html", HERE / "register.png", home, "1280,860")
        shoot(trend, HERE / "trend.png", home, "1280,1160")
        shoot(home / "owner/plans.html", HERE / "board.png", home, "1280,1250")


def shoot(page: Path, picture: Path, home: Path, size: str) -> None:
    """Photograph a page in a headless browser."""
    chromium = shutil.which("chromium") or "chromium"
    subprocess.run(
        [
            chromium,
            *FLAGS,
            f"--user-data-dir={home / 'chromium'}",
            f"--window-size={size}",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
