"""Journals that were kept, and every figure that was concluded from them: behaviour that stays."""
