/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The dialog that Wireshark shows for an interface. */
#ifndef USN_EXTCAP_CONFIG_H
#define USN_EXTCAP_CONFIG_H

/* The sentences of --extcap-config. */
void config_list(void);

#endif
