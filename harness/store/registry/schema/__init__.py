"""Scripts of Alembic, which bring the tables of a registry up to date."""
