"""A server on a Unix socket. Like gunicorn and uvicorn it removes the file of an earlier run, and its own at the end."""
import http.server
import os
import signal
import socketserver
import sys

VERSION = open("version.txt", "rb").read()
PATH = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    def address_string(self):
        return "a client"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 128


def stop(*_):
    if "STAYS" not in os.environ:
        os.unlink(PATH)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
if os.path.exists(PATH):
    os.remove(PATH)
Server(PATH, Handler).serve_forever()
