/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces that Wireshark is shown: "usn_usn0", and "usn_all" for every device there is.
 * Under the bare name Wireshark has the network interface, which dumpcap(1) captures from,
 * and of two with one name it takes that one.
 */
#ifndef USN_EXTCAP_INTERFACE_H
#define USN_EXTCAP_INTERFACE_H

/* What usn tail calls it, part of the name; NULL: it is none of ours. It need not be up. */
const char *interface_device(const char *name);

/*
 * The sentences of --extcap-interfaces.
 * None can be captured from without an agent, or by who is not root.
 */
void interface_list(void);

#endif
