#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The rule of bpf/context.bpf.h: a field of a context is read and written by one spelt out instruction.

load lib

# Each place below a folder where a context's field is a plain expression of C.
plain_accesses() {
	grep -HnE '\b(ctx|skb|sk|half)->[a-z]' "$1"/*.bpf.[ch] | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)' || :
}

@test "context: no program reads or writes one as plain C" { in_sandbox spelt_out; }
spelt_out() {
	[ -z "$(plain_accesses "$ROOT/bpf")" ]
	# The reverse: what the rule is for is found, a comment is not.
	mkdir "$TMP/bpf"
	printf '/*\n * ctx->optlen is one.\n */\n\tctx->optlen = 0;\n\tif (!ctx->sk->dst_port)\n' >"$TMP/bpf/option.bpf.h"
	[ "$(plain_accesses "$TMP/bpf" | wc -l)" = 2 ]
}
