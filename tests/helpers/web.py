#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A web server on ADDRESS and a free port, which it prints: /N answers with N bytes, / with "hello"."""
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"x" * int(self.path[1:]) if self.path[1:].isdigit() else b"hello\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    # HTTPServer's own asks the name service who it is.
    server_bind = TCPServer.server_bind


server = Server((sys.argv[1], 0), Page)
print(server.server_address[1], flush=True)
server.serve_forever()
