"""Where a server listens: an address that is this machine's own, or one that asks for a token."""

from __future__ import annotations

import errno
import ipaddress
import socket

from plimsoll.errors import UserError


def check_address(host: str, token: str | None) -> None:
    """Only this machine's own programs reach a loopback address; anyone may reach another.

    >>> check_address("127.0.0.1", None)
    """
    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable()):
        raise UserError("The token is too short to keep others out. Write at least 16 plain characters.")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and token is None:
        raise UserError(
            f"--host {host} can be reached from other machines. Set a token in PLIMSOLL_TOKEN, or write --host 127.0.0.1."
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UserError where the port is taken or may not be used."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except (OSError, OverflowError) as fault:
        listener.close()
        if getattr(fault, "errno", None) == errno.EADDRINUSE:
            raise UserError(f"--port {port} is in use. Write another, such as --port {port + 1}.") from None
        raise UserError(f"--host {host} --port {port} cannot be listened on: {str(fault).rstrip('.')}.") from None
    return listener
