"""Pages that come only by running a script, at hosts of techniques: below ``/script/``.

What is sent for them holds the page's text in no HTML: as JSON that a script fetches, encrypted
with a key in the fragment of the address, which no request carries, in pieces of which a script
makes a page of its own (``blob:``), or as what a service worker shows. The page itself is that of
the host, with its marks.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from probes.range.origin_pages import Page

PREFIX = "/script/"
JSON_TYPE, SCRIPT_TYPE = "application/json", "text/javascript"
IV_BYTES = 12

_SHELL = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>One moment</title></head>
<body><p>One moment, please.</p><script>
const show = page => { document.documentElement.innerHTML = page; };
%s
</script></body></html>
"""

_FETCH = """
fetch('/script/json/data').then(found => found.json()).then(found => show(found.page));
"""

_DECRYPT = """
const bytes = text => Uint8Array.from(atob(text), each => each.charCodeAt(0));
(async () => {
  const word = new TextEncoder().encode(location.hash.slice(1));
  const digest = await crypto.subtle.digest('SHA-256', word);
  const key = await crypto.subtle.importKey('raw', digest, 'AES-GCM', false, ['decrypt']);
  const sealed = bytes('%s');
  const how = {name: 'AES-GCM', iv: sealed.slice(0, %d)};
  show(new TextDecoder().decode(await crypto.subtle.decrypt(how, key, sealed.slice(%d))));
})();
"""

_BLOB = """
const page = atob([...'%s'].reverse().join(''));
const made = new Blob([Uint8Array.from(page, each => each.charCodeAt(0))], {type: 'text/html'});
location.replace(URL.createObjectURL(made));
"""

_KEEP = """
(async () => {
  await navigator.serviceWorker.register('/script/kept/worker');
  await navigator.serviceWorker.ready;
  const found = await (await fetch('/script/kept/data')).json();
  const kept = new Response(found.page, {headers: {'Content-Type': 'text/html; charset=utf-8'}});
  await (await caches.open('pages')).put('/script/kept/page', kept);
  location.replace('/script/kept/page');
})();
"""

_WORKER = """
self.addEventListener('fetch', event => event.respondWith(
  caches.match(event.request).then(found => found || fetch(event.request))));
"""


def script_page(path: str, page: Page, nonce: str) -> Page | None:
    """Return what stands at a path for the page of a host; None at all other paths.

    ``nonce`` is that of the request; the key of the encrypted page is made from it.
    """
    make = _PAGES.get(path.partition("?")[0])
    return make(page, nonce) if make is not None else None


def _as_json(page: Page, _: str) -> Page:
    return replace(
        page, body=json.dumps({"page": page.body.decode()}).encode(), content_type=JSON_TYPE
    )


def _shell(script: str) -> Callable[[Page, str], Page]:
    return lambda page, _: replace(page, body=(_SHELL % script).encode())


def _sealed(page: Page, nonce: str) -> Page:
    iv = secrets.token_bytes(IV_BYTES)
    key = hashlib.sha256(nonce.encode()).digest()
    sealed = base64.b64encode(iv + AESGCM(key).encrypt(iv, page.body, None)).decode()
    return _shell(_DECRYPT % (sealed, IV_BYTES, IV_BYTES))(page, nonce)


def _in_pieces(page: Page, nonce: str) -> Page:
    return _shell(_BLOB % base64.b64encode(page.body).decode()[::-1])(page, nonce)


def _worker(page: Page, _: str) -> Page:
    return replace(page, body=_WORKER.encode(), content_type=SCRIPT_TYPE)


def _absent(page: Page, _: str) -> Page:
    return replace(page, status=404, body=b"")


_PAGES: dict[str, Callable[[Page, str], Page]] = {
    "/script/json": _shell(_FETCH),
    "/script/json/data": _as_json,
    "/script/sealed": _sealed,
    "/script/blob": _in_pieces,
    "/script/kept/": _shell(_KEEP),
    "/script/kept/worker": _worker,
    "/script/kept/data": _as_json,
    "/script/kept/page": _absent,
}
