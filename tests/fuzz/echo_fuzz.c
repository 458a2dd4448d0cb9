// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes to the echo peer. An answer is never longer than its request, never has an answer
 * itself (or two peers would play for ever) unless it is a later fragment, and silence changes
 * nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "usnd/behind/echo.h"
#include "fuzz.h"

/* All addresses are at home, so that every request comes as far as it can. */
static const struct prefix nets[] = { { AF_INET, 0, { 0 } }, { AF_INET6, 0, { 0 } } };

/*
 * A sum that holds before it holds after: otherwise fuzzed headers would never get past their
 * checksum.
 */
static void mend_ipv4(uint8_t *packet, size_t size)
{
	size_t hlen = size ? (packet[0] & 0xfU) * 4 : 0;
	uint32_t sum = 0;

	if (size < 20 || packet[0] >> 4 != 4 || hlen < 20 || hlen > size)
		return;
	packet[10] = packet[11] = 0;
	for (size_t i = 0; i < hlen; i += 2)
		sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	packet[10] = (uint8_t)(~sum >> 8);
	packet[11] = (uint8_t)~sum;
}

/*
 * May it be a later fragment? Of IPv6 the extension headers are not read here, they are only seen.
 */
static int may_be_fragment(const uint8_t *packet)
{
	if (packet[0] >> 4 == 4)
		return (packet[6] & 0x1f) | packet[7];
	return packet[6] == 0 || packet[6] == 43 || packet[6] == 44 || packet[6] == 60;
}

static void check_answer(const uint8_t *request, const uint8_t *answer)
{
	size_t src = answer[0] >> 4 == 4 ? 12 : 8, n = answer[0] >> 4 == 4 ? 4 : 16;

	demand(answer[0] == request[0]);
	demand(answer[answer[0] >> 4 == 4 ? 8 : 7] == 64);
	demand(!memcmp(answer + src, request + src + n, n));
	demand(!memcmp(answer + src + n, request + src, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *request = malloc(size + 1), *packet = malloc(size + 1);
	size_t len, again;

	demand(request && packet);
	if (size)
		memcpy(request, data, size);
	mend_ipv4(request, size);
	memcpy(packet, request, size);
	len = echo_reply(packet, size, nets, ARRAY_SIZE(nets));
	demand(len <= size);
	if (len) {
		check_answer(request, packet);
		again = echo_reply(packet, len, nets, ARRAY_SIZE(nets));
		/*
		 * A later fragment is sent back as often as it comes: it does not show what it is.
		 */
		demand(!again || may_be_fragment(packet));
	} else {
		demand(!memcmp(packet, request, size));
	}
	free(request);
	free(packet);
	return 0;
}
