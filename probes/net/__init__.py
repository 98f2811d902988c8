"""The one place with sockets."""
