"""python -m infra.builds: warm, list, verify and find what a platform is built from."""

from __future__ import annotations

from infra.builds.cli import main

main()
