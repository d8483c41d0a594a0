"""The outside world, one module per system that Slipway talks to."""
