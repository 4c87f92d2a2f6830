"""How hypothesis runs: the same examples each time in CI, and no deadlines on machines that others use too."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=5_000)  # pytest --hypothesis-profile=long
settings.load_profile("ci" if os.environ.get("CI") else "here")
