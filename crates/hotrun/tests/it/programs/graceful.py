"""Finishes its requests when it is asked to end; a second request to end cuts them. `/slow` waits for the file `go`."""
import http.server
import os
import signal
import sys
import threading
import time

VERSION = open("version.txt", "rb").read()
asked = 0


class Handler(http.server.BaseHTTPRequestHandler):
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


def end(*_):
    global asked
    asked += 1
    print("asked to end", VERSION.decode(), flush=True)
    if asked > 1:
        os._exit(1)
    threading.Thread(target=server.shutdown).start()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, end)
server.serve_forever(poll_interval=0.02)
server.server_close()
