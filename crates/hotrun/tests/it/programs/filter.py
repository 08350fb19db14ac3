"""A server that accepts no new connection when it is asked to end: a filter on its socket drops the packets."""
import ctypes
import http.server
import os
import signal
import socket
import struct
import sys
import threading
import time

VERSION = open("version.txt", "rb").read()
SO_ATTACH_FILTER = 26


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    def log_message(self, *_):
        pass


def stop_listening(*_):
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    server.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(nothing)))
    threading.Thread(target=leave).start()


def leave():
    # Connections from before the filter are accepted by then. Each has a thread until it is answered.
    time.sleep(0.3)
    while threading.active_count() > 2:
        time.sleep(0.01)
    os._exit(0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, stop_listening)
server.serve_forever()
