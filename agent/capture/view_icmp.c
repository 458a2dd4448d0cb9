// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* ICMP and ICMPv6 messages as text, in the words of tcpdump 4.99. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "capture/view.h"

#define ANY (-1)

/*
 * A directive is a '%' and one letter:
 *   T, c  type, code          t, g  target, gateway or source
 *   i, s  id, sequence        p, q  protocol of the quoted packet, that and its port
 *   a, x  argument, in hex    m, v  MTU if it is not 0, what an MLD query asks (by version)
 * Of a message that was cut off only what is before the '|' is known.
 */
struct wording {
	uint8_t type;
	int16_t code;
	const char *text;
};

static const struct wording icmp4_wordings[] = {
	{ 0, ANY, "echo reply, id %i, seq %s" },
	{ 3, 0, "net %t unreachable" },
	{ 3, 1, "host %t unreachable" },
	{ 3, 2, "%t protocol %p unreachable" },
	{ 3, 3, "%t %q unreachable" },
	{ 3, 4, "%t unreachable - need to frag%m" },
	{ 3, 5, "%t unreachable - source route failed" },
	{ 3, 6, "net %t unreachable - unknown" },
	{ 3, 7, "host %t unreachable - unknown" },
	{ 3, 8, "%t unreachable - source host isolated" },
	{ 3, 9, "net %t unreachable - admin prohibited" },
	{ 3, 10, "host %t unreachable - admin prohibited" },
	{ 3, 11, "net %t unreachable - tos prohibited" },
	{ 3, 12, "host %t unreachable - tos prohibited" },
	{ 3, 13, "host %t unreachable - admin prohibited filter" },
	{ 3, 14, "host %t unreachable - host precedence violation" },
	{ 3, 15, "host %t unreachable - precedence cutoff" },
	{ 3, ANY, "%t unreachable - #%c" },
	{ 4, ANY, "source quench" },
	{ 5, 0, "redirect %t to net %g" },
	{ 5, 1, "redirect %t to host %g" },
	{ 5, 2, "redirect-tos %t to net %g" },
	{ 5, 3, "redirect-tos %t to host %g" },
	{ 5, ANY, "redirect-#%c %t to %g" },
	{ 8, ANY, "echo request, id %i, seq %s" },
	{ 9, ANY, "router advertisement" },
	{ 10, ANY, "router solicitation" },
	{ 11, 0, "time exceeded in-transit" },
	{ 11, 1, "ip reassembly time exceeded" },
	{ 11, ANY, "time exceeded-#%c" },
	{ 12, 0, "parameter problem - octet %a" },
	{ 12, ANY, "parameter problem - code %c" },
	{ 13, ANY, "time stamp query id %i seq %s" },
	{ 14, ANY, "time stamp reply id %i seq %s" },
	{ 15, ANY, "information request" },
	{ 16, ANY, "information reply" },
	{ 17, ANY, "address mask request" },
	{ 18, ANY, "address mask is 0x%x" },
};

static const struct wording icmp6_wordings[] = {
	{ 1, 0, "destination unreachable, unreachable route| %t" },
	{ 1, 1, "destination unreachable,  unreachable prohibited| %t" },
	{ 1, 2, "destination unreachable, beyond scope| %t, source address %g" },
	{ 1, 3, "destination unreachable, unreachable address| %t" },
	{ 1, 4, "destination unreachable, unreachable port|, %t %q" },
	{ 1, ANY, "destination unreachable, unknown unreach code (%c)" },
	{ 2, ANY, "packet too big|, mtu %a" },
	{ 3, 0, "time exceeded in-transit| for %t" },
	{ 3, 1, "time exceeded in-transit| (reassembly)" },
	{ 3, ANY, "time exceeded in-transit|, unknown code (%c)" },
	{ 4, 0, "parameter problem|, erroneous - octet %a" },
	{ 4, 1, "parameter problem|, next header - octet %a" },
	{ 4, 2, "parameter problem|, option - octet %a" },
	{ 4, 3, "parameter problem|, incomplete header chain - octet %a" },
	{ 4, ANY, "parameter problem|, code-#%c" },
	{ 128, ANY, "echo request|, id %i, seq %s" },
	{ 129, ANY, "echo reply|, id %i, seq %s" },
	{ 130, ANY, "multicast listener query|%v" },
	{ 131, ANY, "multicast listener report|max resp delay: %a addr: %t" },
	{ 132, ANY, "multicast listener done|max resp delay: %a addr: %t" },
	{ 133, ANY, "router solicitation" },
	{ 134, ANY, "router advertisement" },
	{ 135, ANY, "neighbor solicitation|, who has %t" },
	{ 136, ANY, "neighbor advertisement|, tgt is %t" },
	{ 137, ANY, "redirect|, %t to %g" },
	{ 143, ANY, "multicast listener report v2|, %a group record(s)" },
};

static const struct wording unknown4 = { 0, ANY, "type-#%T" };
static const struct wording unknown6 = { 0, ANY, "unknown icmp6 type (%T)" };

static const struct wording *find_wording(const struct wording *w, size_t n, int type, int code)
{
	for (; n; n--, w++)
		if (w->type == type && (w->code == ANY || w->code == code))
			return w;
	return NULL;
}

static const struct wording *message_wording(const struct packet_info *p)
{
	const struct wording *w;

	if (p->version == 4) {
		w = find_wording(icmp4_wordings, ARRAY_SIZE(icmp4_wordings), p->icmp_type,
				 p->icmp_code);
		return w ? w : &unknown4;
	}
	w = find_wording(icmp6_wordings, ARRAY_SIZE(icmp6_wordings), p->icmp_type, p->icmp_code);
	return w ? w : &unknown6;
}

static void print_address(FILE *f, const struct packet_info *p, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	fputs(inet_ntop(p->version == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)), f);
}

static void print_quoted_port(FILE *f, const struct packet_info *p)
{
	if (p->icmp_proto == IPPROTO_TCP || p->icmp_proto == IPPROTO_UDP) {
		fprintf(f, "%s port %u", packet_proto_name(p->icmp_proto), p->icmp_port);
		return;
	}
	fprintf(f, "protocol %u port %u", p->icmp_proto, p->icmp_port);
	/* For v4 the wording ends so anyway, for v6 tcpdump says it in this case only. */
	if (p->version == 6)
		fputs(" unreachable", f);
}

/* MLDv1 and v2 queries differ in length alone (RFC 3810, 8.1). */
static void print_query(FILE *f, const struct packet_info *p)
{
	bool v2 = p->l4_len >= 28;

	if (v2)
		fputs(" v2 [gaddr ", f);
	else
		fprintf(f, "max resp delay: %u addr: ", p->icmp_arg);
	print_address(f, p, p->icmp_target);
	if (v2)
		fputc(']', f);
}

static void print_directive(FILE *f, const struct packet_info *p, char letter)
{
	const struct {
		char letter;
		uint32_t value;
	} numbers[] = {
		{ 'T', p->icmp_type }, { 'c', p->icmp_code },  { 'i', p->echo_id },
		{ 's', p->echo_seq },  { 'p', p->icmp_proto }, { 'a', p->icmp_arg },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].letter == letter)
			fprintf(f, "%u", numbers[i].value);
	if (letter == 't')
		print_address(f, p, p->icmp_target);
	else if (letter == 'g')
		print_address(f, p, p->icmp_gateway);
	else if (letter == 'q')
		print_quoted_port(f, p);
	else if (letter == 'v')
		print_query(f, p);
	else if (letter == 'x')
		fprintf(f, "%08x", p->icmp_arg);
	else if (letter == 'm' && p->icmp_arg)
		fprintf(f, " (mtu %u)", p->icmp_arg);
}

void view_icmp(FILE *f, const struct packet_info *p)
{
	const char *text;

	/* Of a cut ICMP message tcpdump says nothing, of a cut ICMPv6 message what it has. */
	if (!(p->has & PACKET_ICMP) || (p->cut && p->version == 4))
		return;
	fputs(p->version == 4 ? "ICMP " : "ICMP6, ", f);
	for (text = message_wording(p)->text; *text; text++) {
		if (*text == '|' && p->cut)
			return;
		if (*text == '%')
			print_directive(f, p, *++text);
		else if (*text != '|')
			fputc(*text, f);
	}
	fprintf(f, ", length %u", p->l4_len);
}
