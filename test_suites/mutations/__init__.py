"""Changes to the code that must turn a named test red, and what applies them one by one."""
