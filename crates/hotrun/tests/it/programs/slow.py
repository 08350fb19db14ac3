#!/usr/bin/env python3
"""Ends at once when it is asked to. `/slow` waits for the file `go`; connections are kept."""
import http.server
import os
import time

VERSION = b"version 1."


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            print("slow on", VERSION.decode(), flush=True)
            while not os.path.exists("go"):
                time.sleep(0.005)
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    def log_message(self, *_):
        pass


# start
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
# bound
server.serve_forever(poll_interval=0.02)
