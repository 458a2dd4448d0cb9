/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rare blocks of a pcapng file, as far as pcapng.h has them not. */
#ifndef USN_PCAPNG_BLOCKS_H
#define USN_PCAPNG_BLOCKS_H

struct pcapng;

/* The block that every section begins with. */
int pcapng_section(struct pcapng *w, const char *application);

#endif
