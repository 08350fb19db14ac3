"""Waits in accept, and is interrupted there every two milliseconds."""
import signal
import socket
import sys

VERSION = open("version.txt", "rb").read()
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION)

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
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
