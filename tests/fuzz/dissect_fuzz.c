// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes through the dissector and both views. The first three bytes choose the protocol and how
 * much longer than its capture the packet is.
 */
#include <linux/if_ether.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "capture/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void render(const struct view *view, const struct packet_row *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	view->row(f, row);
	demand(!fclose(f));
	demand(size && text[size - 1] == '\n');
	for (size_t i = 0; i + 1 < size; i++)
		demand(text[i] >= ' ' && (unsigned char)text[i] != 0x7f);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usn_record rec = { .direction = USN_DIR_OUT, .pid = 1, .comm = "fuzz" };
	struct packet_row row = { .rec = &rec, .device = "usn0" };

	if (size < 3 || size > UINT16_MAX)
		return 0;
	rec.protocol = data[0] & 1 ? ETH_P_IPV6 : ETH_P_IP;
	rec.caplen = (uint32_t)size - 3;
	rec.len = rec.caplen + (uint32_t)(data[1] << 8 | data[2]) * (data[0] & 2);
	row.data = data + 3;
	packet_dissect(row.data, rec.caplen, rec.len, rec.protocol, &row.info);
	demand(row.info.extensions <= PACKET_EXTENSIONS_MAX);
	demand(row.info.l4_offset <= rec.caplen);
	render(&view_text, &row);
	render(&view_json, &row);
	return 0;
}
