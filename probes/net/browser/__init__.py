"""The browser lane: the TLS and HTTP/2 of a current browser, for plain twins."""
