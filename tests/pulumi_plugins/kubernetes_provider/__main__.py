"""Entry point: the engine reads the port from the first line of standard output."""

import asyncio

import orphan

from kubernetes_provider.server import serve

orphan.end_with_parent()
asyncio.run(serve())
