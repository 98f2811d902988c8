"""Servers, proxies, mailboxes and networks of a test's own."""
