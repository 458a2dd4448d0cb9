/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The checks of usn doctor.
 *
 * Nothing is changed to find it out.
 * What a check makes in the kernel hangs on a descriptor of this process,
 * so that it is gone with that, however it ends; and nothing is attached to a cgroup or a device.
 */
#ifndef USN_DOCTOR_H
#define USN_DOCTOR_H

#include "usn/doctor/findings.h"

void doctor_kernel(struct findings *all);
void doctor_machine(struct findings *all);
/* The programs that usn itself loads. */
void doctor_programs(struct findings *all);

/* The programs that others have on the cgroups above the runs. */
void doctor_foreign(struct finding *f);

#endif
