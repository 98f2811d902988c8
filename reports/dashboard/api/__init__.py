"""The API of a hub for programs: version 1, below ``/api/v1``; each module gives routes."""
