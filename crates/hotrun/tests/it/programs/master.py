"""As gunicorn does it: says that it is ready, then starts a worker that may fail, and ends with it."""
import os
import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
notify = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", notify)
print("said that it is ready", flush=True)
worker = os.fork()
if worker:
    _, status = os.waitpid(worker, 0)
    sys.exit(3)
time.sleep(0.3)
VERSION = open("version.txt", "rb").read()
if b"broken" in VERSION:
    sys.exit("the application cannot be imported")
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION)
while True:
    connection, _ = listener.accept()
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            some = connection.recv(4096)
            if not some:
                break
            request += some
        else:
            connection.sendall(ANSWER)
