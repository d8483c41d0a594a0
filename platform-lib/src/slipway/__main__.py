"""``python -m slipway`` is ``slipway``."""

from slipway.cli import main

main()
