// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Filters: from the expression to the classic program, and libpcap's verdict. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "tap/filter.h"
#include "tap/filter_parts.h"

/* libpcap's name of the same shape. */
_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one shape");
_Static_assert(offsetof(struct bpf_insn, jt) == offsetof(struct sock_filter, jt), "one shape");
_Static_assert(offsetof(struct bpf_insn, jf) == offsetof(struct sock_filter, jf), "one shape");
_Static_assert(offsetof(struct bpf_insn, k) == offsetof(struct sock_filter, k), "one shape");

static void pcap_closep(pcap_t **p)
{
	if (*p)
		pcap_close(*p);
}

/* The reason, with as much of the expression as leaves room for it. */
static int refuse(const char *expression, const char *reason, struct usn_err *e)
{
	const int room = 160;

	return usn_fail(e, EINVAL, "filter '%.*s%s': %s", room, expression,
			strlen(expression) > (size_t)room ? "..." : "", reason);
}

static int refuse_by_libpcap(const char *expression, const char *reason, struct usn_err *e)
{
	static const char prefix[] = "can't parse filter expression: ";

	if (!strncmp(reason, prefix, sizeof(prefix) - 1))
		reason += sizeof(prefix) - 1;
	return refuse(expression, reason, e);
}

/*
 * What stands beside a packet in the kernel, libpcap asks for by offsets beyond all packets
 * (linux/filter.h, SKF_AD_OFF). Here these would be loads that fail, so that nothing ever matched.
 */
static const char *beside_the_packet(const struct bpf_program *p)
{
	for (u_int i = 0; i < p->bf_len; i++) {
		const struct bpf_insn *insn = &p->bf_insns[i];

		if (BPF_CLASS(insn->code) != BPF_LD || BPF_MODE(insn->code) != BPF_ABS)
			continue;
		if (insn->k == (bpf_u_int32)(SKF_AD_OFF + SKF_AD_PKTTYPE))
			return "for inbound and outbound use the option -Q in or -Q out";
		if (insn->k == (bpf_u_int32)(SKF_AD_OFF + SKF_AD_IFINDEX))
			return "a filter knows no ifindex: name the device instead";
	}
	return NULL;
}

static bool is_load(uint16_t code)
{
	switch (BPF_MODE(code)) {
	case BPF_ABS:
	case BPF_IND:
		return BPF_CLASS(code) == BPF_LD && BPF_SIZE(code) <= BPF_B;
	case BPF_MSH:
		return code == (BPF_LDX | BPF_MSH | BPF_B);
	case BPF_IMM:
	case BPF_MEM:
	case BPF_LEN:
		return BPF_SIZE(code) == BPF_W;
	default:
		return false;
	}
}

static bool is_sum(const struct sock_filter *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_LSH:
	case BPF_RSH:
		/* Farther, the result is not the same everywhere. */
		return BPF_SRC(insn->code) == BPF_X || insn->k <= 31;
	case BPF_NEG:
		return insn->code == (BPF_ALU | BPF_NEG);
	default:
		return BPF_OP(insn->code) <= BPF_XOR;
	}
}

/*
 * bpf_validate() lets pass much that bpf_filter() does not know:
 * it is for where a jump and an index lead.
 */
static bool is_known(const struct sock_filter *insn)
{
	uint16_t code = insn->code;

	if (code > 0xff)
		return false;
	switch (BPF_CLASS(code)) {
	case BPF_LD:
	case BPF_LDX:
		return is_load(code);
	case BPF_ALU:
		return is_sum(insn);
	case BPF_JMP:
		return code == (BPF_JMP | BPF_JA) ||
		       (BPF_OP(code) >= BPF_JEQ && BPF_OP(code) <= BPF_JSET);
	case BPF_RET:
		return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
	case BPF_MISC:
		return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
	default:
		return code == BPF_ST || code == BPF_STX;
	}
}

int filter_from_classic(const struct sock_filter *insns, size_t n, struct filter **ret,
			struct usn_err *e)
{
	struct filter *f;

	if (n > BPF_MAXINSNS)
		return usn_fail(e, EINVAL, "%zu instructions, at most %d", n, BPF_MAXINSNS);
	if (!bpf_validate((const struct bpf_insn *)insns, (int)n))
		return usn_fail(e, EINVAL, "not a classic program");
	for (size_t i = 0; i < n; i++) {
		if (!is_known(&insns[i]))
			return usn_fail(e, EINVAL, "instruction %zu is not known", i);
	}
	f = malloc(sizeof(*f) + n * sizeof(*insns));
	if (!f)
		return usn_fail(e, ENOMEM, "out of memory");
	f->n = n;
	memcpy(f->insns, insns, n * sizeof(*insns));
	*ret = f;
	return 0;
}

int filter_compile(const char *expression, struct filter **ret, struct usn_err *e)
{
	_cleanup_(pcap_closep) pcap_t *p = pcap_open_dead(DLT_RAW, 65535);
	_cleanup_(pcap_freecode) struct bpf_program program = { 0 };
	const char *reason;
	struct usn_err why;
	int r;

	if (!p)
		return usn_fail(e, ENOMEM, "out of memory");
	if (pcap_compile(p, &program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return refuse_by_libpcap(expression, pcap_geterr(p), e);
	reason = beside_the_packet(&program);
	if (reason)
		return refuse(expression, reason, e);
	r = filter_from_classic((const struct sock_filter *)program.bf_insns, program.bf_len, ret,
				&why);
	return r == -EINVAL ? refuse(expression, why.text, e)
	       : r < 0      ? usn_fail(e, -r, "%s", why.text)
			    : 0;
}

struct filter *filter_free(struct filter *f)
{
	free(f);
	return NULL;
}

bool filter_matches(const struct filter *f, const void *packet, uint32_t caplen, uint32_t len)
{
	/* It is not written to. */
	const struct bpf_program program = { (u_int)f->n, (struct bpf_insn *)f->insns };
	const struct pcap_pkthdr header = { .caplen = caplen, .len = len };

	return pcap_offline_filter(&program, &header, packet) != 0;
}
