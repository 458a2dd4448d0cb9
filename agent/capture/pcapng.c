// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pcapng writer: its beginning and end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "capture/pcapng.h"
#include "capture/pcapng_blocks.h"
#include "capture/pcapng_buffer.h"

#define BUFFER_SIZE (256U * 1024)

int pcapng_open(int fd, const char *application, struct pcapng **ret)
{
	_cleanup_(pcapng_freep) struct pcapng *w = NULL;
	int r;

	if (!application)
		application = "";
	if (fd < 0 || strlen(application) > PCAPNG_TEXT_MAX)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->size = BUFFER_SIZE;
	w->buffer = malloc(w->size);
	if (!w->buffer)
		return -ENOMEM;
	/* Its pages are there before the first packet is. */
	memset(w->buffer, 0, w->size);
	r = pcapng_section(w, application);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct pcapng *pcapng_free(struct pcapng *w)
{
	if (!w)
		return NULL;
	free(w->buffer);
	free(w);
	return NULL;
}
