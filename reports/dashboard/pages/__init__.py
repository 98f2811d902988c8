"""The pages of a hub, one module a group; each has a function ``routes`` that gives its routes."""
