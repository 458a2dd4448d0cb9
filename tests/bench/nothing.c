// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Hangs a program that does nothing on the egress hook of a device, as a tap does, until it is interrupted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* enum bpf_attach_type of 6.6 */
#define ATTACH_TCX_EGRESS 47

int main(int argc, char **argv)
{
	const struct bpf_insn next[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	unsigned int ifindex = argc == 2 ? if_nametoindex(argv[1]) : 0;
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nothing", "GPL", next, 2, NULL);
	sigset_t end;
	int signal;

	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	if (prog < 0 || bpf_link_create(prog, (int)ifindex, (enum bpf_attach_type)ATTACH_TCX_EGRESS,
					NULL) < 0) {
		fprintf(stderr, "nothing: %s\n", strerror(errno));
		return 1;
	}
	fprintf(stderr, "listening on %s\n", argv[1]);
	sigwait(&end, &signal);
	fprintf(stderr, "0 packets seen, 0 lost\n");
	return 0;
}
