"""A site's folder behind `gemtab serve`, which may be down for a while."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

from gemtab_build.site.serve import SiteServer


class Server(SiteServer):
    """Remembers its connections: a browser goes on with one that is open."""

    def __init__(self, folder: Path, port: int) -> None:
        self.connections: list[socket.socket] = []
        super().__init__(folder, port)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address


class Site:
    """Serves from the start on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self, port: int = 0) -> None:
        """Serve, on the port of before if it is given."""
        self.server = Server(self.folder, port)
        self.url = self.server.url
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> int:
        """Serve no more, on open connections neither; the port."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.server.connections:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)
        return self.server.server_port
