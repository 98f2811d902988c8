"""The built-in lines, one type per file."""
