"""The oldest way: one connection after the other, waiting in accept."""
import socket
import sys

VERSION = open("version.txt", "rb").read()
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION)

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(1)
while True:
    connection, (host, _) = listener.accept()
    assert host == "127.0.0.1", host
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            some = connection.recv(4096)
            if not some:
                break
            request += some
        else:
            connection.sendall(ANSWER)
