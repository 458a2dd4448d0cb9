/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Characters of UTF-8, by RFC 3629, section 4: no half of a pair, nothing that is longer than it
 * has to be.
 */
#ifndef USN_UTF8_H
#define USN_UTF8_H

#include <stddef.h>

/* Bytes of the character at text, of which n bytes are there; 0: no character is there. */
size_t utf8_character(const char *text, size_t n);

#endif
