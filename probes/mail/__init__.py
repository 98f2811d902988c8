"""Mail: composing, sending and reading it."""
