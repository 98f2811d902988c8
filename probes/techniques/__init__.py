"""Techniques to reach a blocked page: their statements, and the steps that carry them out."""
