// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet as one JSON object on a line, for programs. What is not known is absent, never zero. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "capture/view.h"

static void json_freep(json_t **o)
{
	json_decref(*o);
}

static void put_number(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void put_known(json_t *o, const char *key, uint64_t value)
{
	if (value)
		put_number(o, key, value);
}

/*
 * Names come from the kernel as bytes. Those that are no UTF-8 are written as the text view does.
 */
static void put_name(json_t *o, const char *key, const char *name, size_t size)
{
	char escaped[4 * USN_COMM_SIZE + 1];
	json_t *value = json_stringn(name, strnlen(name, size));

	if (!value)
		value = json_string(view_escape(escaped, name, size));
	json_object_set_new(o, key, value);
}

static void put_address(json_t *o, const char *key, uint8_t version, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(version == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	json_object_set_new(o, key, json_string(text));
}

static void put_when(json_t *o, const struct packet_row *p)
{
	char time[32];

	snprintf(time, sizeof(time), "%" PRIu64 ".%09u", (uint64_t)(p->real_ns / NS_PER_S),
		 (unsigned int)(p->real_ns % NS_PER_S));
	json_object_set_new(o, "time", json_string(time));
	put_number(o, "mono_ns", p->rec->mono_ns);
}

static void put_where(json_t *o, const struct packet_row *p)
{
	if (p->device)
		put_name(o, "device", p->device, USN_NAME_SIZE);
	put_number(o, "ifindex", p->rec->ifindex);
	if (p->rec->direction == USN_DIR_IN)
		json_object_set_new(o, "direction", json_string("in"));
	else if (p->rec->direction == USN_DIR_OUT)
		json_object_set_new(o, "direction", json_string("out"));
}

static void put_owner(json_t *o, const struct usn_record *rec)
{
	put_known(o, "pid", rec->pid);
	put_known(o, "tid", rec->tid);
	if (rec->pid)
		put_name(o, "comm", rec->comm, sizeof(rec->comm));
	put_known(o, "cgroup", rec->cgroup_id);
	put_known(o, "cookie", rec->cookie);
}

static void put_sizes(json_t *o, const struct usn_record *rec)
{
	put_number(o, "lost", rec->lost);
	put_number(o, "length", rec->len);
	put_number(o, "caplen", rec->caplen);
}

static void put_network(json_t *o, const struct packet_info *p)
{
	char number[sizeof("ip-proto-255")];
	const char *name = packet_proto_name(p->proto);
	json_t *fragment;

	if (p->version)
		put_number(o, "ip", p->version);
	if (!(p->has & PACKET_ADDRESSES))
		return;
	put_address(o, "src", p->version, p->src);
	put_address(o, "dst", p->version, p->dst);
	snprintf(number, sizeof(number), "ip-proto-%u", p->proto);
	json_object_set_new(o, "proto", json_string(name ? name : number));
	if (p->has & PACKET_FRAGMENT) {
		fragment = json_object();
		put_number(fragment, "offset", p->fragment_offset);
		json_object_set_new(fragment, "more", json_boolean(p->fragment_more));
		json_object_set_new(o, "fragment", fragment);
	}
}

static void put_tcp(json_t *o, const struct packet_info *p)
{
	char flags[PACKET_TCP_FLAGS_SIZE];
	json_t *tcp = json_object();

	json_object_set_new(tcp, "flags", json_string(packet_tcp_flags(p->tcp_flags, flags)));
	put_number(tcp, "seq", p->tcp_seq);
	/* Without its flag the field means nothing. */
	if (p->tcp_flags & 0x10)
		put_number(tcp, "ack", p->tcp_ack);
	put_number(tcp, "window", p->tcp_window);
	json_object_set_new(o, "tcp", tcp);
}

static void put_icmp(json_t *o, const struct packet_info *p)
{
	json_t *icmp = json_object();

	put_number(icmp, "type", p->icmp_type);
	put_number(icmp, "code", p->icmp_code);
	if (p->has & PACKET_ECHO) {
		put_number(icmp, "id", p->echo_id);
		put_number(icmp, "seq", p->echo_seq);
	}
	json_object_set_new(o, "icmp", icmp);
}

static void put_transport(json_t *o, const struct packet_info *p)
{
	if (p->has & PACKET_PORTS) {
		put_number(o, "sport", p->sport);
		put_number(o, "dport", p->dport);
	}
	if (p->has & PACKET_TCP)
		put_tcp(o, p);
	if (p->has & PACKET_ICMP)
		put_icmp(o, p);
	if (p->has & PACKET_PAYLOAD)
		put_number(o, "payload", p->payload_len);
}

static void json_row(FILE *f, const struct packet_row *p)
{
	_cleanup_(json_freep) json_t *o = json_object();

	put_when(o, p);
	put_where(o, p);
	put_owner(o, p->rec);
	put_sizes(o, p->rec);
	put_network(o, &p->info);
	put_transport(o, &p->info);
	json_dumpf(o, f, JSON_COMPACT);
	fputc('\n', f);
}

const struct view view_json = { json_row };
