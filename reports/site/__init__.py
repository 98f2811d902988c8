"""A static site: the public register, and trends and action plans for those who may see them."""
