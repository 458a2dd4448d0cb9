// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of protocols and TCP flags, as tcpdump 4.99 has them. */
#include <netinet/in.h>
#include <string.h>

#include "capture/dissect.h"

const char *packet_proto_name(uint8_t proto)
{
	static const char *const names[256] = {
		[IPPROTO_HOPOPTS] = "hopopt",
		[IPPROTO_ICMP] = "icmp",
		[IPPROTO_IGMP] = "igmp",
		[IPPROTO_IPIP] = "ipip",
		[IPPROTO_TCP] = "tcp",
		[IPPROTO_UDP] = "udp",
		[IPPROTO_DCCP] = "dccp",
		[IPPROTO_IPV6] = "ipv6",
		[IPPROTO_ROUTING] = "ipv6-route",
		[IPPROTO_FRAGMENT] = "ipv6-frag",
		[IPPROTO_RSVP] = "rsvp",
		[IPPROTO_GRE] = "gre",
		[IPPROTO_ESP] = "esp",
		[IPPROTO_AH] = "ah",
		[IPPROTO_ICMPV6] = "icmp6",
		[IPPROTO_NONE] = "ipv6-nonxt",
		[IPPROTO_DSTOPTS] = "ipv6-opts",
		[89] = "ospf",
		[IPPROTO_PIM] = "pim",
		[112] = "vrrp",
		[IPPROTO_SCTP] = "sctp",
		[IPPROTO_UDPLITE] = "udplite",
	};

	return names[proto];
}

const char *packet_tcp_flags(uint8_t flags, char buf[static PACKET_TCP_FLAGS_SIZE])
{
	static const char letters[] = "FSRP.UEW"; /* from bit 0 on */
	size_t n = 0;

	for (size_t i = 0; i < 8; i++)
		if (flags & 1 << i)
			buf[n++] = letters[i];
	buf[n] = '\0';
	return n ? buf : memcpy(buf, "none", sizeof("none"));
}
