/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One call of a method of io.usn: who may make it, what it names, and what is answered. */
#ifndef USN_CALL_H
#define USN_CALL_H

#include <jansson.h>
#include <stdint.h>

struct caller;
struct device;
struct usn_err;

/* Who may call a method. A method that says nothing is for root. */
enum call_who {
	CALL_ROOT,
	CALL_NAMED, /* whom the file of each device that the call names lets use it (permit.h) */
	CALL_ALL,   /* it shows, takes and changes nothing that is not the caller's */
};

/* The devices that a call names: in "device", or in the list "devices". */
enum call_devices {
	CALL_NO_DEVICE,
	CALL_DEVICE_HERE,   /* one, and its interface is there */
	CALL_DEVICE,        /* one, or its interface is gone: it can be looked at and given up */
	CALL_DEVICE_OR_ALL, /* the same, or none */
	CALL_DEVICES_HERE,  /* a list; only root may leave it out */
};

struct call {
	struct caller *caller;
	const json_t *parameters;
	struct device *device; /* the one that is named in "device"; NULL: none */
	json_t *answer;        /* a new object; NULL: nothing is to be said */
	int fd;                /* goes with the answer; -1: none */
};

struct method {
	const char *name;
	/* 0, or -errno with the reason in e; then answer and fd are dropped. */
	int (*call)(struct call *call, struct usn_err *e);
	enum call_who who;
	enum call_devices devices;
};

/*
 * Whether the caller may make this call. Every device that it names is looked for in the same step:
 * a method gets only those that the caller may use. 0, or -errno.
 */
int call_permit(struct call *call, const struct method *m, struct usn_err *e);

/* Has the object (taken) answer the call. -ENOMEM: there is none. */
int call_answer(struct call *call, json_t *answer, struct usn_err *e);

/* The number of "device", which need not be there. Who may use it is not asked. */
int call_number(const struct call *call, uint32_t *ret, struct usn_err *e);

#endif
