#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A rig that passes all packets of its device to a TUN device of this network namespace, and back.

    usn rig DEVICE -- ip netns exec NAMESPACE python3 rig.py TUN
"""
import fcntl
import os
import struct
import sys

# include/uapi/linux/if_tun.h
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
os.set_inheritable(tun, True)
os.execvp("rig_join", ["rig_join", os.environ["USN_FD"], str(tun)])
