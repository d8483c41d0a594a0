"""Stand-in for the launcher of dynamic providers: the SDK has the server."""

import runpy

import orphan

orphan.end_with_parent()
runpy.run_module("pulumi.dynamic", run_name="__main__")
