// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The buffer of the pcapng writer: whole blocks from it to the kernel. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cold.h"
#include "capture/pcapng.h"
#include "capture/pcapng_buffer.h"

_cold_ int pcapng_make_room(struct pcapng *w, size_t need)
{
	uint8_t *larger;
	int r;

	if (w->size - w->used < need) {
		r = pcapng_flush(w);
		if (r < 0)
			return r;
	}
	if (w->size - w->used < need) {
		larger = realloc(w->buffer, w->used + need);
		if (!larger)
			return -ENOMEM;
		w->buffer = larger;
		w->size = w->used + need;
	}
	return 0;
}

/*
 * Returns how many bytes at the buffer's begin are whole blocks that are out, and counts their
 * packets.
 */
static size_t count_written(struct pcapng *w)
{
	size_t whole = 0;

	if (w->out == w->used) {
		w->written += w->buffered;
		w->buffered = 0;
		return w->used;
	}
	while (whole < w->out) {
		uint32_t head[2]; /* type, length */

		memcpy(head, w->buffer + whole, sizeof(head));
		if (head[1] > w->out - whole)
			break;
		w->written += head[0] == PCAPNG_BLOCK_PACKET;
		w->buffered -= head[0] == PCAPNG_BLOCK_PACKET;
		whole += head[1];
	}
	return whole;
}

/*
 * Takes n bytes at the end of a regular file back. Not so in a pipe: there the block has to be
 * completed.
 */
static bool cut_back(int fd, size_t n)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	end = lseek(fd, 0, SEEK_CUR);
	/* Bytes of others behind ours are not ours to cut. */
	if (end < (off_t)n || end != st.st_size || ftruncate(fd, end - (off_t)n) < 0)
		return false;
	return lseek(fd, end - (off_t)n, SEEK_SET) >= 0;
}

int pcapng_flush(struct pcapng *w)
{
	size_t whole;
	ssize_t n;
	int r = 0;

	while (w->out < w->used) {
		n = write(w->fd, w->buffer + w->out, w->used - w->out);
		if (n > 0) {
			w->out += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			r = n ? -errno : -EIO;
			break;
		}
	}
	whole = count_written(w);
	w->size_out += whole;
	w->used -= whole;
	w->out -= whole;
	if (w->used)
		memmove(w->buffer, w->buffer + whole, w->used);
	if (w->out && cut_back(w->fd, w->out))
		w->out = 0;
	return r;
}

uint64_t pcapng_size(const struct pcapng *w)
{
	return w->size_out + w->used;
}

uint64_t pcapng_written(const struct pcapng *w)
{
	return w->written;
}
