# ruff: noqa: N802 (the methods are called as the protocol calls them)
"""Stand-in for pulumi-language-python: run a program's `__main__.py` in this interpreter.

The SDK's Automation API has a language server for a function; this lets it run a file. The engine reads the port from
the first line of standard output, and passes its own address as an argument, or in `Handshake`.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import orphan
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes, as in Pulumi's SDKs."""


class FileServer(LanguageServer):
    """Serves the program whose folder and entry point the engine names."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:
        """Learn the engine's address, where it is not an argument."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Run the program once."""
        folder = Path(request.info.program_directory or request.pwd)
        entry = folder / (request.info.entry_point or request.program or ".")
        arguments = list(request.args)

        def program() -> None:
            sys.argv = [str(entry), *arguments]
            # As with `python <folder>`: what stands beside __main__.py can be imported.
            sys.path.insert(0, str(folder))
            runpy.run_path(str(entry), run_name="__main__")

        os.chdir(folder)
        self.program = program
        # The SDK's server takes the engine's address from the first argument.
        del request.args[:]
        request.args.append(self._engine)
        return super().Run(request, context)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The engine asks for a version; it compares it with nothing."""
        return plugin_pb2.PluginInfo(version="0.0.1")

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        """No questions to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        """The environment is there already."""
        return iter(())

    def Cancel(self, request: Any, context: Any) -> Any:
        """The engine ends this process by itself."""
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the engine ends this process."""
    orphan.end_with_parent()
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=options)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(FileServer(engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The engine interrupts its plugins when it is done.
    with contextlib.suppress(KeyboardInterrupt):
        server.wait_for_termination()


main()
