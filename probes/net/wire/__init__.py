"""The wire backend (Linux): raw sockets with an epoll reactor.

It reports details that libraries hide, has the lowest cost, and uses kernel receive timestamps, so
that a busy client does not look like a slow service.
"""
