"""What a page may show content by other than text is counted."""

from __future__ import annotations

import pytest

from probes.net.html_text import _HANDLER, read_page

LONG = "ten words that tell of what is not in the text " * 2


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="/page.png">',
        '<input type="IMAGE" src="/page.png">',
        '<object data="/page"></object>',
        "<svg><text>words</text></svg>",
        "<canvas></canvas>",
        '<iframe src="/inner"></iframe>',
        "<script>draw()</script>",
        "<style>body { background: url(/page.png) }</style>",
        '<style>p::before { content: "words" }</style>',
        '<style style="display: block">words</style>',
        '<style>@import "/page.css";</style>',
        "<style>p { background: u\\72l(/page.png) }</style>",
        '<p style="background-image: url(/page.png)"></p>',
        '<table background="/page.png"></table>',
        '<link rel="Alternate StyleSheet" href="/page.css">',
        '<meta http-equiv="Refresh" content="0; url=/page">',
        f'<input value="{LONG}">',
        f'<textarea placeholder="{LONG}"></textarea>',
        '<input value="few words">' * 10,
        '<div><template shadowrootmode="open">words</template></div>',
        '<?xml-stylesheet href="/page.xsl"?>',
        f"<style>q {{ quotes: '{LONG}' '' }}</style><q></q>",
        f'<style>li {{ /* font: */ list-style: "{LONG}" }}</style><li></li>',
        f"<style>p {{ --a: b }} q {{ quotes: '{LONG}</style><q></q>",
        "<style>@counter-style x { symbols: ten words that tell }</style>",
        "<ul style=\"list-style-type: 'few words'\"><li></ul>" * 10,
        "<body onload=\"document.body.append('words')\">",
        "<details open ONTOGGLE=show()></details>",
        """<button onclick="history.back(); location = '/go-on'">Go on</button>""",
        '<a href=" java&#10;script:show()">Go on</a>',
        '<form><button formaction="javascript:show()">Go on</button></form>',
    ],
)
def test_what_shows_more_than_the_text_is_counted(markup: str) -> None:
    page = read_page(f"<html><body>{markup}<p>Blocked</p></body></html>".encode(), "text/html")

    assert page.embedded >= 1


@pytest.mark.parametrize(
    "markup",
    [
        "<p>Blocked</p>",
        "<style>p { color: red }</style>",
        '<p style="color: red"></p>',
        '<link rel="icon" href="/icon.png">',
        '<meta name="viewport" content="width=100">',
        '<input value="Go back">',
        f'<input type="hidden" value="{LONG}">',
        "<template><p>not shown</p></template>",
        f"<style>p {{ font-family: 'Helvetica', \"{LONG}\" }} /* '{LONG}' */</style>",
        '<style>input[type="text"], a[href="x"] { color: red }</style>' * 5,
        '<button onclick="window.history.go( -1 ); return false;">Back</button>',
        "<a href='javascript:history.back()'>Back</a> <a href='javascript:void(0);'>Why?</a>",
        "<p>once = 1; online = on</p>",
    ],
)
def test_what_shows_nothing_is_not(markup: str) -> None:
    page = read_page(f"<html><body>{markup}</body></html>".encode(), "text/html")

    assert page.embedded == 0


def test_text_that_nearly_names_handlers_is_searched_in_linear_time() -> None:
    page = read_page(b"<p>" + b"on" * 250_000 + b"</p>", "text/html")  # else it takes minutes

    assert page.embedded == 0


def test_a_name_that_ends_like_a_handler_is_none() -> None:
    assert _HANDLER.search('<meta content="x" icon=y>') is None
    assert _HANDLER.search('<body onload="x">')
    assert _HANDLER.search("<svg/onload=x>")
