/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the bytes of a packet to a flat description of it, for the views of a row.
 *
 * A capture may end anywhere and a packet may hold anything, so nothing here fails: what could not
 * be read is absent from `has`, and `cut` and `bad` say why.
 */
#ifndef USN_DISSECT_H
#define USN_DISSECT_H

#include <stdint.h>

/* Bits of packet_info.has: which of the fields are known. */
#define PACKET_ADDRESSES 0x001 /* hop_limit, proto, src, dst */
#define PACKET_FRAGMENT 0x002  /* fragment_*; the packet is a fragment */
#define PACKET_L4 0x004        /* l4_offset, l4_len */
#define PACKET_PORTS 0x008     /* sport, dport */
#define PACKET_TCP 0x010       /* tcp_* */
#define PACKET_ICMP 0x020      /* icmp_type, icmp_code; the protocol says whether v4 or v6 */
#define PACKET_ECHO 0x040      /* echo_id, echo_seq */
#define PACKET_PAYLOAD 0x080   /* payload_len */

/*
 * packet_info.cut: the header in which the bytes ended, because of the snap length or by
 * themselves.
 */
#define PACKET_CUT_IP 1
#define PACKET_CUT_EXTENSION 2 /* IPv6 extension header; its number is in proto */
#define PACKET_CUT_L4 3

/* packet_info.bad: what a header says that cannot be, with the two numbers that show it. */
#define PACKET_BAD_VERSION 1   /* version found, version expected */
#define PACKET_BAD_IP_HLEN 2   /* header length in bytes */
#define PACKET_BAD_IP_LEN 3    /* total length, less than the header */
#define PACKET_BAD_TCP_SHORT 4 /* payload length as computed (wraps), header length */
#define PACKET_BAD_TCP_LONG 5  /* header length, length of the segment */
#define PACKET_BAD_UDP_SHORT 6 /* length that IP leaves to UDP */
#define PACKET_BAD_UDP_LEN 7   /* length field, less than the header */
#define PACKET_BAD_UDP_LONG 8  /* payload by the length field, payload that IP leaves */
#define PACKET_BAD_CHAIN 9     /* extension headers read, and their limit */

/* An honest packet has at most four (RFC 8200, 4.1). */
#define PACKET_EXTENSIONS_MAX 8

struct packet_info {
	uint32_t has;
	uint8_t cut;
	uint8_t bad;
	uint32_t bad_value[2];

	uint8_t version; /* 4, 6, or 0: not IP */
	uint8_t proto;   /* IPPROTO_*, behind the extension headers */
	uint8_t hop_limit;
	uint8_t src[16]; /* IPv4 in the first four bytes, as in all addresses here */
	uint8_t dst[16];
	uint32_t missing; /* bytes that the IP header promises and the packet does not have */

	uint8_t extension[PACKET_EXTENSIONS_MAX]; /* IPPROTO_*, in the packet's order */
	uint8_t extensions;
	uint8_t routing_len; /* of the last routing header, units of 8 bytes as in the header */
	uint8_t routing_type;
	uint8_t routing_left; /* segments */

	uint32_t fragment_offset; /* bytes */
	uint32_t fragment_len;    /* bytes */
	uint8_t fragment_more;

	uint32_t l4_offset; /* from the network header */
	uint32_t l4_len;    /* transport header and payload, by the IP header */
	/* By the headers; of UDP in a first fragment: of the whole datagram. */
	uint32_t payload_len;
	uint16_t sport;
	uint16_t dport;

	uint32_t tcp_seq;
	uint32_t tcp_ack;
	uint16_t tcp_window;
	uint16_t tcp_urgent;
	uint8_t tcp_flags;
	uint8_t tcp_hlen; /* bytes */

	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t echo_id;
	uint16_t echo_seq;
	uint32_t icmp_arg;        /* MTU, octet, mask, delay (ms), or number of records */
	uint8_t icmp_target[16];  /* whom the message is about */
	uint8_t icmp_gateway[16]; /* whom a redirect points to; source of a packet beyond scope */
	uint8_t icmp_proto;       /* of the packet that an error quotes */
	uint16_t icmp_port;       /* destination port of that packet */
};

/*
 * Describes a packet that begins with its network header. caplen bytes are at data, len is its true
 * length, protocol the ETH_P_* in host order. Reads nothing beyond caplen, keeps no pointer.
 */
void packet_dissect(const void *data, uint32_t caplen, uint32_t len, uint16_t protocol,
		    struct packet_info *ret);

/* The name of an IPPROTO_*, NULL where it has none here. */
const char *packet_proto_name(uint8_t proto);

/* The letters that tcpdump has for TCP flags, "none" for none. Returns buf. */
#define PACKET_TCP_FLAGS_SIZE 9
const char *packet_tcp_flags(uint8_t flags, char buf[static PACKET_TCP_FLAGS_SIZE]);

#endif
