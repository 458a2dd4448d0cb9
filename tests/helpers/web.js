#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * web.js serve ADDRESS    a web server on a free port, which it prints: it says "hello"
 * web.js get URL          prints what it gets
 */
'use strict';

const http = require('http');

function serve(address) {
	const server = http.createServer((request, response) => response.end('hello\n'));

	server.listen(0, address, () => console.log(server.address().port));
}

function get(url) {
	const request = http.get(url, { timeout: 5000 }, (response) => response.pipe(process.stdout));

	request.on('timeout', () => request.destroy(new Error('timeout')));
}

({ serve, get })[process.argv[2]](process.argv[3]);
