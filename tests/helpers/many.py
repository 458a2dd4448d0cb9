#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Many sockets at once, in threads that have an event loop each.

    many.py serve ADDRESS      answers on a free port, TCP and UDP alike, and prints it
    many.py ask ADDRESS PORT   four threads ask four times each by TCP and by UDP; prints how many answers came
"""
import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

THREADS = ASKS = 4
SECONDS = 5


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Answer(asyncio.DatagramProtocol):
    def __init__(self):
        self.data = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, address):
        self.data.set_result(data)

    def error_received(self, error):
        self.data.set_exception(error)


async def echo(reader, writer):
    writer.write(await reader.readline())
    writer.close()


async def serve(address):
    server = await asyncio.start_server(echo, address, 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.get_running_loop().create_datagram_endpoint(Echo, (address, port))
    print(port, flush=True)
    await server.serve_forever()


async def ask_tcp(address, port):
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"hello\n")
    answer = await reader.readline()
    writer.close()
    return answer


async def ask_udp(address, port):
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_datagram_endpoint(Answer, remote_addr=(address, port))
    transport.sendto(b"hello\n")
    try:
        return await answer.data
    finally:
        transport.close()


async def ask(address, port):
    asks = [f(address, port) for f in (ask_tcp, ask_udp) for _ in range(ASKS)]
    answers = await asyncio.gather(*(asyncio.wait_for(a, SECONDS) for a in asks), return_exceptions=True)
    return answers.count(b"hello\n")


if sys.argv[1] == "serve":
    asyncio.run(serve(sys.argv[2]))
else:
    with ThreadPoolExecutor(THREADS) as threads:
        jobs = [threads.submit(asyncio.run, ask(sys.argv[2], int(sys.argv[3]))) for _ in range(THREADS)]
        print(sum(job.result() for job in jobs), "answers")
