// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any bytes through the dissector and both views: text is one line, JSON one object on a line. The
 * first bytes choose the protocol, how much longer than its capture the packet is, and the owner.
 */
#include <jansson.h>
#include <linux/if_ether.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/view.h"
#include "fuzz.h"

#define HEAD 20 /* bytes: flags, two of length, direction, and the owner's name */

/* malloced */
static char *render(const struct view *view, const struct packet_row *row)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	demand(f != NULL);
	view->row(f, row);
	demand(!fclose(f));
	demand(size && text[size - 1] == '\n' && strlen(text) == size);
	return text;
}

static void check_text(const struct packet_row *row)
{
	char *text = render(&view_text, row);

	for (const char *c = text; c[1]; c++)
		demand(*c >= ' ' && *c < 0x7f);
	free(text);
}

static void check_json(const struct packet_row *row)
{
	char *text = render(&view_json, row);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	demand(json_is_object(o));
	demand(json_integer_value(json_object_get(o, "length")) == row->rec->len);
	demand(json_integer_value(json_object_get(o, "caplen")) == row->rec->caplen);
	demand(!row->rec->pid == !json_is_string(json_object_get(o, "comm")));
	demand(!strchr(text, '\n')[1]);
	json_decref(o);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usn_record rec = { .pid = 1 };
	struct packet_row row = { .rec = &rec, .device = "usn0" };

	if (size < HEAD || size > UINT16_MAX)
		return 0;
	rec.protocol = data[0] & 1 ? ETH_P_IPV6 : data[0] & 4 ? data[3] : ETH_P_IP;
	rec.caplen = (uint32_t)size - HEAD;
	rec.len = rec.caplen + (uint32_t)(data[1] << 8 | data[2]) * (data[0] & 2);
	rec.direction = data[3];
	rec.pid = !(data[0] & 8);
	row.time = data[0] >> 4 & 3;
	memcpy(rec.comm, data + 4, USN_COMM_SIZE);
	if (data[0] & 0x40)
		row.device = (const char *)data + 4; /* of 16 bytes, or fewer with a NUL */
	row.data = data + HEAD;
	packet_dissect(row.data, rec.caplen, rec.len, rec.protocol, &row.info);
	demand(row.info.extensions <= PACKET_EXTENSIONS_MAX);
	demand(row.info.l4_offset <= rec.caplen);
	check_text(&row);
	check_json(&row);
	return 0;
}
