"""Connects, sends each TEXT as the body of a frame, and prints the bodies that
come back. A TEXT - is what is on stdin. With --deny it asks to be denied.

    go run ./spec/tangle build
    PYTHONPATH=build python3 ports/python/echo_client.py [--deny] HOST PORT TEXT...
"""

import os
import sys

from petrichor import Fault, allowed, connect, request

hello, arguments = {"from": "echo in Python"}, sys.argv[1:]
if arguments[:1] == ["--deny"]:
    hello["deny"] = arguments.pop(0) == "--deny"
if len(arguments) < 2:
    sys.exit("usage: echo_client.py [--deny] HOST PORT TEXT...")
host, port, *texts = arguments
try:
    stream, header, body = connect((host, int(port)), hello, None)
    if not allowed(header):
        sys.exit("echo_client: the peer has not allowed us")
    for text in texts:
        data = sys.stdin.buffer.read() if text == "-" else os.fsencode(text)
        header, body = request(stream, {}, data)
        sys.stdout.buffer.write(body + b"\n")
    stream.socket.close()
except (Fault, EOFError, OSError) as error:
    sys.exit(f"echo_client: {error}")
