"""Answers the first frame of each peer, and then sends every frame back. A peer
whose header has an entry deny is denied; one that offers compression gets it.

    go run ./spec/tangle build
    PYTHONPATH=build python3 ports/python/echo_server.py [HOST [PORT]]
"""

import socket
import sys
import threading

from petrichor import Fault, accept, allow, deny
from petrichor.compress import COMPRESS


def serve(connection):
    with connection:
        try:
            converse(connection)
        except (Fault, EOFError, OSError) as error:
            print("echo_server:", error, file=sys.stderr)


def converse(connection):
    stream, header, body = accept(connection, [COMPRESS])
    if b"deny" in header:
        return deny(stream)
    allow(stream)
    while frame := stream.recv():
        stream.send(*frame)


_, host, port = sys.argv + ["127.0.0.1", "7670"][len(sys.argv) - 1 :]
listener = socket.create_server((host, int(port)))
print("listening on %s:%d" % listener.getsockname(), flush=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
