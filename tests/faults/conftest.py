from tests.live_server import release_folder, server

__all__ = ["release_folder", "server"]
