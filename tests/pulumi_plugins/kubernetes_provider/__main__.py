"""Entry point: the engine reads the port from the first line of standard output."""

import asyncio

from kubernetes_provider.server import serve

asyncio.run(serve())
