"""The service as a process: a socket, uvicorn on it, and a log without secrets."""

import logging
import socket

import uvicorn
from starlette.applications import Starlette

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.redaction import install

MOST_HEADER_BYTES = 32_768
"""Of a request's first line and headers, above which it is refused."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, so that a port that is taken is one sentence and not a traceback.

    Args:
        host: An address of this machine.
        port: 0 takes any that is free.

    Raises:
        ConfigurationError: It can't be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        message = f"HOST {host!r} with PORT {port} can't be listened on: {error.strerror}"
        raise ConfigurationError(message) from error
    return found


def config(app: Starlette) -> uvicorn.Config:
    """How uvicorn is to serve the application: plain HTTP/1.1 and nothing of its own."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        # Whoever asks is who is connected: a header that says otherwise can be forged.
        proxy_headers=False,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


def serve(app: Starlette, on: socket.socket) -> None:
    """Answer requests until the process is told to end; a run that works is waited for."""
    uvicorn.Server(config(app)).run(sockets=[on])


def set_up_log(*, level: int = logging.INFO) -> None:
    """Log the service's lines, and warnings of anybody, to stderr, without secrets."""
    install()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("exit_pipeline").setLevel(level)
