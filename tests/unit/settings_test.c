// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A device's settings: the defaults, the file, the words of the command line, and what each refuses. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <usn/abi.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/behind/peer.h"
#include "usnd/device/settings.h"

static char dir[] = "/tmp/usn-settings-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/usn5.conf", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

/* The settings of usn5 with a file of these bytes. */
static int with_bytes(const void *bytes, size_t n, struct settings *s, struct usn_err *e)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	settings_default(5, s);
	return settings_read(path, s, e);
}

static int with_file(const char *text, struct settings *s, struct usn_err *e)
{
	return with_bytes(text, strlen(text), s, e);
}

static void assert_addresses(const struct settings *s, const char *want)
{
	char text[PREFIX_TEXT_SIZE], all[2048] = "";

	for (size_t i = 0; i < s->n_addresses; i++) {
		if (i)
			strcat(all, " ");
		strcat(all, prefix_text(&s->addresses[i], text));
	}
	assert_string_equal(all, want);
}

static void defaults(void **state)
{
	static const struct {
		uint32_t number;
		const char *addresses;
	} cases[] = {
		{ 0, "10.64.0.1/24 fd75:736e::1/64" },
		{ 1, "10.64.1.1/24 fd75:736e:0:1::1/64" },
		{ 255, "10.64.255.1/24 fd75:736e:0:ff::1/64" },
		{ 256, "10.65.0.1/24 fd75:736e:0:100::1/64" },
		{ 4095, "10.79.255.1/24 fd75:736e:0:fff::1/64" },
	};
	struct settings s;
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&s, 0xff, sizeof(s));
		settings_default(cases[i].number, &s);
		assert_addresses(&s, cases[i].addresses);
		assert_int_equal(s.mtu, 1500);
		assert_int_equal(s.peer, USN_PEER_NONE);
		assert_int_equal(settings_check(&s, &e), 0);
	}
}

/* No device's address lies in another's network. Neighbours in number are the ones that could. */
static void defaults_are_apart(void **state)
{
	struct settings a, b;

	(void)state;
	for (uint32_t i = 0; i + 1 < USN_DEVICES_MAX; i++) {
		settings_default(i, &a);
		for (uint32_t j = i + 1; j < USN_DEVICES_MAX; j += j < i + 300 ? 1 : 97) {
			settings_default(j, &b);
			for (size_t k = 0; k < 2; k++)
				assert_false(prefix_contains(&a.addresses[k], b.addresses[k].addr));
		}
	}
}

static void no_file(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	settings_default(5, &s);
	s.mtu = 1300;
	assert_int_equal(settings_read("/nowhere/usn5.conf", &s, &e), 0);
	assert_addresses(&s, "10.64.5.1/24 fd75:736e:0:5::1/64");
	assert_int_equal(s.mtu, 1300);
}

static void files(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	/* Nothing said, nothing changed. */
	assert_int_equal(with_file("", &s, &e), 0);
	assert_int_equal(with_file("\n\n# only\n;comments\n", &s, &e), 0);
	assert_int_equal(with_file("[Device]\n", &s, &e), 0);
	assert_int_equal(with_file("[Device]", &s, &e), 0);
	assert_addresses(&s, "10.64.5.1/24 fd75:736e:0:5::1/64");

	/* Everything said, with all the freedom there is; the last line has no end. */
	assert_int_equal(with_file("# before\n"
				   "\t[Device] \r\n"
				   "\n"
				   "  Address = 192.0.2.1/24  \n"
				   "Address=2001:db8::1/64\r\n"
				   "\tMTU\t=\t1400\n"
				   "; between\n"
				   "  # indented\n"
				   "[Device]\n"
				   "Peer=none\n"
				   "Peer=echo",
				   &s, &e),
			 0);
	assert_addresses(&s, "192.0.2.1/24 2001:db8::1/64");
	assert_int_equal(s.mtu, 1400);
	assert_int_equal(s.peer, USN_PEER_ECHO);
}

static void file_errors(void **state)
{
	static const struct {
		const char *text, *says;
		unsigned int line;
	} cases[] = {
		{ "MTU=1400\n", "before the section", 1 },
		{ "\n# x\nMTU=1400\n[Device]\n", "before the section", 3 },
		{ "\xef\xbb\xbf[Device]\n", "before the section", 1 },
		{ "[Device]\n[Match]\n", "unknown section '[Match]'", 2 },
		{ "[device]\n", "unknown section", 1 },
		{ "[Device\n", "unknown section", 1 },
		{ "[Device] # x\n", "unknown section", 1 },
		{ "[]\n", "unknown section", 1 },
		{ "[Device]\n\n\nMtu=1400\n", "unknown key 'Mtu'", 4 },
		{ "[Device]\nOffload=on\n", "unknown key 'Offload'", 2 },
		{ "[Device]\n=1400\n", "unknown key ''", 2 },
		{ "[Device]\nAddress 192.0.2.1/24\n", "not KEY=VALUE", 2 },
		{ "[Device]\nAddress=\n", "no prefix length", 2 },
		{ "[Device]\nAddress=192.0.2.1\n", "no prefix length", 2 },
		{ "[Device]\nAddress=192.0.2.1/24 192.0.2.2/24\n", "from 1 to 32", 2 },
		{ "[Device]\nAddress=192.0.2.1/24 # home\n", "from 1 to 32", 2 },
		{ "[Device]\nAddress=\"192.0.2.1/24\"\n", "not an IPv4 or IPv6 address", 2 },
		{ "[Device]\nMTU=\n", "MTU=: use a number from 68 to 65535", 2 },
		{ "[Device]\nMTU=67\n", "from 68 to 65535", 2 },
		{ "[Device]\nMTU=65536\n", "from 68 to 65535", 2 },
		{ "[Device]\nMTU=1500 bytes\n", "from 68 to 65535", 2 },
		{ "[Device]\nPeer=\n", "use none or echo", 2 },
		{ "[Device]\nPeer=Echo\n", "use none or echo", 2 },
		{ "[Device]\nPeer=echo,none\n", "use none or echo", 2 },
		{ "[Device]\nAddress=192.0.2.1/24\n#\nAddress=192.0.2.1/24\n", "given twice", 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct settings s;
		struct usn_err e;
		char where[80];

		if (with_file(cases[i].text, &s, &e) != -EBADMSG)
			fail_msg("taken: %s", cases[i].text);
		snprintf(where, sizeof(where), "%s:%u: ", path, cases[i].line);
		if (strncmp(e.text, where, strlen(where)) || !strstr(e.text, cases[i].says))
			fail_msg("'%s' says: %s", cases[i].text, e.text);
	}
}

/* What stands behind a NUL would be there for the reader of the file, and not for the parser. */
static void nul_in_file(void **state)
{
	static const char in_value[] = "[Device]\nMTU=1400\0 or so\n";
	static const char in_front[] = "[Device]\n\0MTU=14\n";
	static const char in_section[] = "[Device]\0[Match]\n";
	struct settings s;
	struct usn_err e;

	(void)state;
	assert_true(with_bytes(in_value, sizeof(in_value) - 1, &s, &e) < 0);
	assert_true(with_bytes(in_front, sizeof(in_front) - 1, &s, &e) < 0);
	assert_true(with_bytes(in_section, sizeof(in_section) - 1, &s, &e) < 0);
}

static void unreadable_files(void **state)
{
	char loop[80];
	struct settings s;
	struct usn_err e;

	(void)state;
	settings_default(5, &s);
	/* A directory can be opened, and not read. */
	assert_true(settings_read(dir, &s, &e) < 0);
	assert_non_null(strstr(e.text, dir));
	snprintf(loop, sizeof(loop), "%s/loop", dir);
	assert_int_equal(symlink(loop, loop), 0);
	assert_int_equal(settings_read(loop, &s, &e), -ELOOP);
	assert_non_null(strstr(e.text, loop));
	unlink(loop);
}

static void long_lines(void **state)
{
	char *text = malloc(100001);
	struct settings s;
	struct usn_err e;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 100000);
	text[100000] = '\0';
	memcpy(text, "[Device]\n", 9);
	assert_int_equal(with_file(text, &s, &e), -EBADMSG);
	text[50000] = '=';
	assert_int_equal(with_file(text, &s, &e), -EBADMSG);
	assert_non_null(strstr(e.text, ":2: "));
	/* A long comment is a comment. */
	text[9] = '#';
	assert_int_equal(with_file(text, &s, &e), 0);
	free(text);
}

static int apply(struct settings *s, struct usn_err *e, size_t n, const char *const *words)
{
	return settings_apply(words, n, s, e);
}

#define APPLY(s, e, ...)                                               \
	apply((s), (e), ARRAY_SIZE(((const char *[]){ __VA_ARGS__ })), \
	      (const char *[]){ __VA_ARGS__ })

/* In each source the first Address= replaces what came from the sources before, the others add to it. */
static void address_replaces(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	assert_int_equal(
		with_file("[Device]\nAddress=192.0.2.1/24\nAddress=192.0.2.2/24\n", &s, &e), 0);
	assert_addresses(&s, "192.0.2.1/24 192.0.2.2/24");
	assert_int_equal(APPLY(&s, &e, "MTU=1300"), 0);
	assert_addresses(&s, "192.0.2.1/24 192.0.2.2/24");
	assert_int_equal(APPLY(&s, &e, "Address=198.51.100.1/24", "Address=2001:db8::1/64"), 0);
	assert_addresses(&s, "198.51.100.1/24 2001:db8::1/64");
	/* The same as before is not twice: it replaces. */
	assert_int_equal(APPLY(&s, &e, "Address=198.51.100.1/24"), 0);
	assert_addresses(&s, "198.51.100.1/24");
	assert_int_equal(settings_apply(NULL, 0, &s, &e), 0);
	assert_addresses(&s, "198.51.100.1/24");
}

static void words(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	settings_default(5, &s);
	assert_int_equal(APPLY(&s, &e, "MTU=68", "Peer=echo"), 0);
	assert_int_equal(s.mtu, 68);
	assert_int_equal(s.peer, USN_PEER_ECHO);
	/* The last one counts. */
	assert_int_equal(APPLY(&s, &e, "MTU=68", "MTU=65535", "Peer=echo", "Peer=none"), 0);
	assert_int_equal(s.mtu, 65535);
	assert_int_equal(s.peer, USN_PEER_NONE);
}

static void wrong_words(void **state)
{
	static const struct {
		const char *word, *says;
	} cases[] = {
		{ "", "not KEY=VALUE" },
		{ "MTU", "not KEY=VALUE" },
		{ "=", "unknown key ''" },
		{ "mtu=1400", "unknown key 'mtu'" },
		{ "Mtu=1400", "unknown key 'Mtu'" },
		{ "MTU==1400", "from 68 to 65535" },
		{ "MTU=1400=", "from 68 to 65535" },
		{ "MTU=0", "from 68 to 65535" },
		{ "MTU=-1400", "from 68 to 65535" },
		{ "MTU=4294968696", "from 68 to 65535" }, /* 1400 modulo 2^32 */
		{ "Addres=192.0.2.1/24", "unknown key 'Addres'" },
		{ "Address=192.0.2.1/24,192.0.2.2/24", "from 1 to 32" },
		{ "Peer=rig", "use none or echo" },
		{ "[Device]", "not KEY=VALUE" },
		{ "# comment", "not KEY=VALUE" },
	};
	struct settings s;
	struct usn_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		settings_default(5, &s);
		if (APPLY(&s, &e, cases[i].word) != -EINVAL || !strstr(e.text, cases[i].says))
			fail_msg("'%s' says: %s", cases[i].word, e.text);
		assert_int_equal(s.mtu, 1500);
	}
	/* Two lines of a file are not one word. */
	assert_int_equal(APPLY(&s, &e, "MTU=1400\nPeer=echo"), -EINVAL);
}

static void address_twice(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	settings_default(5, &s);
	assert_int_equal(APPLY(&s, &e, "Address=192.0.2.1/24", "Address=192.0.2.1/24"), -EINVAL);
	assert_non_null(strstr(e.text, "given twice"));
	/* However it is written. */
	assert_int_equal(APPLY(&s, &e, "Address=2001:db8::1/64", "Address=2001:DB8:0::0:1/64"),
			 -EINVAL);
	assert_int_equal(APPLY(&s, &e, "Address=192.0.2.1/24", "Address=192.0.2.2/24"), 0);
}

static void many_addresses(void **state)
{
	char texts[ADDRESSES_MAX + 1][40];
	const char *list[ADDRESSES_MAX + 1];
	struct settings s;
	struct usn_err e;

	(void)state;
	for (int i = 0; i <= ADDRESSES_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "Address=10.1.%d.1/24", i);
		list[i] = texts[i];
	}
	settings_default(5, &s);
	assert_int_equal(settings_apply(list, ADDRESSES_MAX, &s, &e), 0);
	assert_int_equal(s.n_addresses, ADDRESSES_MAX);
	assert_int_equal(settings_apply(list, ADDRESSES_MAX + 1, &s, &e), -E2BIG);
	assert_non_null(strstr(e.text, "at most 64 addresses"));
}

static void small_mtu(void **state)
{
	struct settings s;
	struct usn_err e;

	(void)state;
	settings_default(5, &s);
	s.mtu = 1280;
	assert_int_equal(settings_check(&s, &e), 0);
	s.mtu = 1279;
	assert_int_equal(settings_check(&s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "IPv6 needs 1280"));
	assert_non_null(strstr(e.text, "fd75:736e:0:5::1/64"));
	s.n_addresses = 1; /* only v4 is left */
	assert_int_equal(settings_check(&s, &e), 0);
	s.mtu = 68;
	assert_int_equal(settings_check(&s, &e), 0);
}

/* Each key that the program says a device has, and a value that is not the default. */
static const struct {
	const char *key, *word;
} changes[] = {
	{ "Address=", "Address=192.0.2.1/24" },
	{ "MTU=", "MTU=1400" },
	{ "Peer=", "Peer=echo" },
	{ "Except=", "Except=local" },
	{ "DNS=", "DNS=192.0.2.53,2001:db8::53" },
	{ "Ambient=", "Ambient=yes" },
};

/* The keys as the program tells them: "... a device has Address=, MTU= and Peer=". */
static size_t keys_of_program(char *text, const char *keys[], size_t size)
{
	char *word = strtok(strstr(text, " has ") + 5, " ,");
	size_t n = 0;

	for (; word; word = strtok(NULL, " ,")) {
		if (strcmp(word, "and") == 0)
			continue;
		assert_true(n < size);
		keys[n++] = word;
	}
	return n;
}

/* A key that is in the program's table and not in the one above fails, and the other way. */
static void each_key_is_here(void **state)
{
	const char *keys[ARRAY_SIZE(changes)];
	struct settings s;
	struct usn_err e;
	size_t n;

	(void)state;
	settings_default(5, &s);
	assert_int_equal(APPLY(&s, &e, "Nonsense=1"), -EINVAL);
	n = keys_of_program(e.text, keys, ARRAY_SIZE(keys));
	assert_int_equal(n, ARRAY_SIZE(changes));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(keys[i], changes[i].key);
}

static void assert_differ(const struct settings *a, const struct settings *b, const char *key)
{
	const char *told = settings_differ(a, b);

	assert_non_null(told);
	assert_int_equal(strlen(told) + 1, strlen(key));
	assert_memory_equal(told, key, strlen(told));
}

/* What one key alone changes is told by its name, from both sides. */
static void each_key_differs(void **state)
{
	struct settings a, b;
	struct usn_err e;

	(void)state;
	settings_default(5, &a);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		settings_default(5, &b);
		assert_null(settings_differ(&a, &b));
		assert_int_equal(APPLY(&b, &e, changes[i].word), 0);
		assert_null(settings_differ(&b, &b));
		assert_differ(&a, &b, changes[i].key);
		assert_differ(&b, &a, changes[i].key);
	}
	/* The order of addresses says nothing. */
	assert_int_equal(APPLY(&a, &e, "Address=192.0.2.1/24", "Address=192.0.2.2/24"), 0);
	settings_default(5, &b);
	assert_int_equal(APPLY(&b, &e, "Address=192.0.2.2/24", "Address=192.0.2.1/24"), 0);
	assert_null(settings_differ(&a, &b));
	assert_int_equal(APPLY(&b, &e, "Address=192.0.2.2/24", "Address=192.0.2.1/25"), 0);
	assert_differ(&a, &b, "Address=");
}

/* As an agent stores them and the next one restores them, which knows nothing of them before. */
static void stored_and_restored(const struct settings *s, struct settings *ret)
{
	struct usn_device entry = { 0 };

	settings_store(s, &entry);
	memset(ret, 0, sizeof(*ret));
	settings_restore(&entry, ret);
	ret->mtu = s->mtu;
	memcpy(ret->addresses, s->addresses, sizeof(s->addresses));
	ret->n_addresses = s->n_addresses;
}

static void each_key_is_restored(void **state)
{
	struct settings all, s, again;
	struct usn_err e;

	(void)state;
	settings_default(5, &all);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		settings_default(5, &s);
		stored_and_restored(&s, &again);
		assert_null(settings_differ(&s, &again));
		assert_int_equal(APPLY(&s, &e, changes[i].word), 0);
		assert_int_equal(APPLY(&all, &e, changes[i].word), 0);
		stored_and_restored(&s, &again);
		assert_null(settings_differ(&s, &again));
	}
	stored_and_restored(&all, &again);
	assert_null(settings_differ(&all, &again));
}

/* The name of each peer is a value of Peer=, and a wrong value tells all of them. */
static void peers(void **state)
{
	char names[WORDS_SIZE], word[80];
	const char *value = word;
	struct settings s;
	struct usn_err e;
	uint32_t n;

	(void)state;
	assert_string_equal(peer_name(USN_PEER_NONE), "none");
	assert_string_equal(peer_name(USN_PEER_ECHO), "echo");
	settings_default(5, &s);
	for (n = 0; strcmp(peer_name(n), "unknown") != 0; n++) {
		snprintf(word, sizeof(word), "Peer=%s", peer_name(n));
		assert_int_equal(settings_apply(&value, 1, &s, &e), 0);
		assert_int_equal(s.peer, n);
		assert_non_null(strstr(peer_names(names), peer_name(n)));
	}
	assert_int_equal(APPLY(&s, &e, "Peer=unknown"), -EINVAL);
	assert_non_null(strstr(e.text, peer_names(names)));
	assert_int_equal(s.peer, n - 1);
	/* A number of a later version is a peer that answers nothing. */
	assert_string_equal(peer_name(UINT32_MAX), "unknown");
	assert_ptr_equal(peer_get(UINT32_MAX), peer_get(USN_PEER_NONE));
	assert_ptr_equal(peer_get(n), peer_get(USN_PEER_NONE));
	assert_ptr_not_equal(peer_get(USN_PEER_ECHO), peer_get(USN_PEER_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(defaults_are_apart),
		cmocka_unit_test(no_file),
		cmocka_unit_test(files),
		cmocka_unit_test(file_errors),
		cmocka_unit_test(nul_in_file),
		cmocka_unit_test(unreadable_files),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(address_replaces),
		cmocka_unit_test(words),
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(address_twice),
		cmocka_unit_test(many_addresses),
		cmocka_unit_test(small_mtu),
		cmocka_unit_test(peers),
		cmocka_unit_test(each_key_is_here),
		cmocka_unit_test(each_key_differs),
		cmocka_unit_test(each_key_is_restored),
	};

	return cmocka_run_group_tests_name("settings", tests, make_dir, remove_dir);
}
