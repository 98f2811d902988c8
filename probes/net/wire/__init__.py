"""The wire lane (Linux): our own reactor over raw sockets.

Nearest to the wire, it sees what libraries lose, costs the least, and reads the time at which
the kernel received a byte, so that a busy client does not look like a slow service.
"""
