// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet as a line for people: when, where, which way, whose, and then what tcpdump -nS would
 * print.
 *
 * The wording is that of tcpdump 4.99, odd blanks included, so that eyes and scripts used to it
 * need not learn another. Left out are its TCP options and its decoders of applications' protocols.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "capture/view.h"

char *view_escape(char *dst, const char *src, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	char *d = dst;

	for (size_t i = 0; i < n && src[i]; i++) {
		unsigned char c = (unsigned char)src[i];

		if (c >= ' ' && c < 0x7f && c != '\\') {
			*d++ = (char)c;
			continue;
		}
		*d++ = '\\';
		*d++ = 'x';
		*d++ = hex[c >> 4];
		*d++ = hex[c & 0xf];
	}
	*d = '\0';
	return dst;
}

static void text_time(FILE *f, const struct packet_row *p)
{
	uint64_t ns = p->time == VIEW_REAL ? p->real_ns : p->since_ns;
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm = { 0 };

	if (p->time != VIEW_REAL) {
		fprintf(f, "%" PRIu64 ".%09u ", (uint64_t)(ns / NS_PER_S),
			(unsigned int)(ns % NS_PER_S));
		return;
	}
	localtime_r(&seconds, &tm);
	fprintf(f, "%02d:%02d:%02d.%09u ", tm.tm_hour, tm.tm_min, tm.tm_sec,
		(unsigned int)(ns % NS_PER_S));
}

static void text_device(FILE *f, const struct packet_row *p)
{
	char name[4 * USN_NAME_SIZE + 1];

	if (p->device)
		fprintf(f, "%s ", view_escape(name, p->device, USN_NAME_SIZE));
	else
		fprintf(f, "if%u ", p->rec->ifindex);
}

static void text_owner(FILE *f, const struct usn_record *rec)
{
	static const char *const directions[] = { [USN_DIR_IN] = "In ", [USN_DIR_OUT] = "Out" };
	char comm[4 * USN_COMM_SIZE + 1];

	fprintf(f, "%s ",
		rec->direction && rec->direction < ARRAY_SIZE(directions)
			? directions[rec->direction]
			: "?  ");
	if (rec->pid)
		fprintf(f, "%u/%s ", rec->pid, view_escape(comm, rec->comm, sizeof(rec->comm)));
	else
		fputs("- ", f);
}

static void text_addresses(FILE *f, const struct packet_info *p, bool ports)
{
	int family = p->version == 4 ? AF_INET : AF_INET6;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(family, p->src, src, sizeof(src));
	inet_ntop(family, p->dst, dst, sizeof(dst));
	if (ports)
		fprintf(f, "%s.%u > %s.%u: ", src, p->sport, dst, p->dport);
	else
		fprintf(f, "%s > %s: ", src, dst);
}

/* Where the bytes ended, by the name that tcpdump has for that header. */
static void text_cut(FILE *f, const struct packet_info *p)
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{ IPPROTO_HOPOPTS, "hbhopt" },  { IPPROTO_DSTOPTS, "dstopt" },
		{ IPPROTO_ROUTING, "rt6" },     { IPPROTO_FRAGMENT, "frag6" },
		{ IPPROTO_TCP, "tcp" },         { IPPROTO_UDP, "udp" },
		{ IPPROTO_ICMP, "icmp" },       { IPPROTO_ICMPV6, "icmp6" },
		{ IPPROTO_SCTP, "sctp" },       { IPPROTO_DCCP, "dccp" },
		{ IPPROTO_UDPLITE, "udplite" },
	};
	const char *name = p->version == 4 ? "ip" : "ip6";

	for (size_t i = 0; p->cut != PACKET_CUT_IP && i < ARRAY_SIZE(names); i++)
		if (names[i].proto == p->proto)
			name = names[i].name;
	/* tcpdump closes the gap in this one case. */
	if (p->proto == IPPROTO_TCP && !(p->has & PACKET_PORTS) && !p->extensions)
		fprintf(f, "[|%s]", name);
	else
		fprintf(f, " [|%s]", name);
}

static void text_bad(FILE *f, const struct packet_info *p)
{
	static const char *const texts[] = {
		[PACKET_BAD_VERSION] = "version error: %u != %u",
		[PACKET_BAD_IP_HLEN] = "bad-hlen %u",
		[PACKET_BAD_IP_LEN] = "bad-len %u",
		[PACKET_BAD_TCP_SHORT] = " tcp %u [bad hdr length %u - too short, < 20]",
		[PACKET_BAD_TCP_LONG] = " [bad hdr length %u - too long, > %u]",
		[PACKET_BAD_UDP_SHORT] = "truncated-udp %u",
		[PACKET_BAD_UDP_LEN] = "truncated-udplength %u",
		[PACKET_BAD_UDP_LONG] = "UDP, bad length %u > %u",
		[PACKET_BAD_CHAIN] = "[bad header chain, %u headers and more]",
	};

	fprintf(f, texts[p->bad], p->bad_value[0], p->bad_value[1]);
}

static void text_extensions(FILE *f, const struct packet_info *p)
{
	for (size_t i = 0; i < p->extensions; i++) {
		switch (p->extension[i]) {
		case IPPROTO_HOPOPTS:
			fputs("HBH ", f);
			break;
		case IPPROTO_DSTOPTS:
			fputs("DSTOPT ", f);
			break;
		case IPPROTO_ROUTING:
			fprintf(f, "RT6 (len=%u, type=%u, segleft=%u) ", p->routing_len,
				p->routing_type, p->routing_left);
			break;
		case IPPROTO_FRAGMENT:
			/* Nothing follows a later fragment, not even a blank. */
			fprintf(f, p->fragment_offset ? "frag (%u|%u)" : "frag (%u|%u) ",
				p->fragment_offset, p->fragment_len);
			break;
		}
	}
}

static void text_tcp(FILE *f, const struct packet_info *p)
{
	/*
	 * Absolute numbers (tcpdump -S): a tap may begin in mid-connection, and rows have no
	 * memory.
	 */
	if (p->payload_len || p->tcp_flags & 0x07)
		fprintf(f, ", seq %u", p->tcp_seq);
	if (p->payload_len)
		fprintf(f, ":%u", p->tcp_seq + p->payload_len);
	if (p->tcp_flags & 0x10)
		fprintf(f, ", ack %u", p->tcp_ack);
	fprintf(f, ", win %u", p->tcp_window);
	if (p->tcp_flags & 0x20)
		fprintf(f, ", urg %u", p->tcp_urgent);
	fprintf(f, ", length %u", p->payload_len);
}

static void text_udp(FILE *f, const struct packet_info *p)
{
	fprintf(f, "UDP, length %u", p->payload_len);
}

/*
 * tcpdump knows UDP-Lite by its number only and SCTP by its chunks; the ports are worth more here.
 */
static void text_udplite(FILE *f, const struct packet_info *p)
{
	fprintf(f, "UDP-Lite, length %u", p->payload_len);
}

static void text_by_name(FILE *f, const struct packet_info *p)
{
	fprintf(f, "%s, length %u", packet_proto_name(p->proto), p->l4_len);
}

static void text_none(FILE *f, const struct packet_info *p)
{
	(void)p;
	fputs("no next header", f);
}

static void text_payload(FILE *f, const struct packet_info *p)
{
	static const struct {
		uint8_t proto;
		uint32_t needs; /* PACKET_* */
		void (*print)(FILE *f, const struct packet_info *p);
	} texts[] = {
		{ IPPROTO_TCP, PACKET_TCP, text_tcp },
		{ IPPROTO_UDP, PACKET_PORTS, text_udp },
		{ IPPROTO_UDPLITE, PACKET_PORTS, text_udplite },
		{ IPPROTO_SCTP, PACKET_PORTS, text_by_name },
		{ IPPROTO_DCCP, PACKET_PORTS, text_by_name },
		{ IPPROTO_ICMP, PACKET_ICMP, view_icmp },
		{ IPPROTO_ICMPV6, PACKET_ICMP, view_icmp },
		{ IPPROTO_NONE, 0, text_none },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].proto == p->proto && (p->has & texts[i].needs) == texts[i].needs)
			return texts[i].print(f, p);
	}
	fprintf(f, " ip-proto-%u %u", p->proto, p->l4_len);
}

static void text_l4(FILE *f, const struct packet_info *p)
{
	char flags[PACKET_TCP_FLAGS_SIZE];

	if (p->extensions && p->has & PACKET_PORTS)
		fprintf(f, "%u > %u: ", p->sport, p->dport);
	if (p->has & PACKET_TCP)
		fprintf(f, "Flags [%s]", packet_tcp_flags(p->tcp_flags, flags));
	if (p->bad)
		return text_bad(f, p);
	if (p->cut) {
		view_icmp(f, p);
		return text_cut(f, p);
	}
	text_payload(f, p);
}

static void text_packet(FILE *f, const struct packet_info *p)
{
	fputs(p->version == 4 ? "IP " : "IP6 ", f);
	if (p->missing)
		fprintf(f, "truncated-ip%s - %u bytes missing!%s", p->version == 4 ? "" : "6",
			p->missing, p->version == 4 ? " " : "");
	if (p->has & PACKET_ADDRESSES)
		text_addresses(f, p, p->has & PACKET_PORTS && !p->extensions);
	if (p->has & PACKET_FRAGMENT && p->fragment_offset && p->version == 4) {
		fprintf(f, "ip-proto-%u", p->proto);
		return;
	}
	text_extensions(f, p);
	if (!(p->has & PACKET_FRAGMENT && p->fragment_offset))
		text_l4(f, p);
}

static void text_row(FILE *f, const struct packet_row *p)
{
	text_time(f, p);
	text_device(f, p);
	text_owner(f, p->rec);
	if (p->info.version)
		text_packet(f, &p->info);
	else
		fprintf(f, "ethertype 0x%04x, length %u", p->rec->protocol, p->rec->len);
	fputc('\n', f);
}

const struct view view_text = { text_row };
