"""``seldon-core-microservice`` on 127.0.0.1: it binds to every address, and has no setting for that.

Nothing else of it is changed; arguments and environment variables are the command's own.
"""

from typing import Any

from seldon_core import gunicorn_utils, microservice

_load_config = gunicorn_utils.StandaloneApplication.load_config


def _on_loopback(application: Any) -> None:
    application.options["bind"] = application.options["bind"].replace("0.0.0.0", "127.0.0.1")
    _load_config(application)


gunicorn_utils.StandaloneApplication.load_config = _on_loopback

if __name__ == "__main__":
    microservice.main()
