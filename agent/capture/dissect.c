// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet, layer by layer. */
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/cleanup.h"
#include "capture/dissect_parts.h"

static void dissect_l4(struct span s, struct packet_info *p)
{
	static const struct {
		uint8_t proto;
		uint8_t version; /* 0: both */
		bool (*dissect)(struct span s, struct packet_info *p);
	} layers[] = {
		{ IPPROTO_TCP, 0, dissect_tcp },         { IPPROTO_UDP, 0, dissect_udp },
		{ IPPROTO_ICMP, 4, dissect_icmp },       { IPPROTO_ICMPV6, 6, dissect_icmp6 },
		{ IPPROTO_UDPLITE, 0, dissect_udplite }, { IPPROTO_SCTP, 0, dissect_ports },
		{ IPPROTO_DCCP, 0, dissect_ports },
	};

	p->has |= PACKET_L4;
	p->l4_len = s.len;
	if (packet_is_later_fragment(p)) {
		p->has |= PACKET_PAYLOAD;
		p->payload_len = s.len;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		if (layers[i].proto != p->proto)
			continue;
		if (layers[i].version && layers[i].version != p->version)
			continue;
		layers[i].dissect(s, p);
		return;
	}
	p->has |= PACKET_PAYLOAD;
	p->payload_len = s.len;
}

void packet_dissect(const void *data, uint32_t caplen, uint32_t len, uint16_t protocol,
		    struct packet_info *ret)
{
	struct span s = { data, caplen < len ? caplen : len, len };
	uint8_t version = protocol == ETH_P_IP ? 4 : protocol == ETH_P_IPV6 ? 6 : 0;

	if (dissect_network(&s, version, ret))
		dissect_l4(s, ret);
}
