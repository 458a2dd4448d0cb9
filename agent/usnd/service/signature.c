// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Calls against the text of their interface. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "usnd/service/signature.h"

struct parameter {
	char name[32];
	char type[32]; /* Varlink's: "?[]string" */
};

static bool is_of(const char *type, const json_t *value)
{
	const json_t *element;
	size_t i;

	if (!strncmp(type, "[]", 2)) {
		json_array_foreach(value, i, element) {
			if (!is_of(type + 2, element))
				return false;
		}
		return json_is_array(value);
	}
	return !strcmp(type, "string") ? json_is_string(value)
	       : !strcmp(type, "int")  ? json_is_integer(value)
	       : !strcmp(type, "bool") ? json_is_boolean(value)
				       : false;
}

static int check(const struct parameter *p, const json_t *value, struct usn_err *e)
{
	bool optional = *p->type == '?';

	if (!value || json_is_null(value))
		return optional ? 0 : usn_fail(e, EINVAL, "the parameter '%s' is missing", p->name);
	if (is_of(p->type + optional, value))
		return 0;
	return usn_fail(e, EINVAL, "the parameter '%s' is not of the type %s", p->name,
			p->type + optional);
}

/* The first parameter that is declared at *at, which then is behind it. */
static bool next(const char **at, struct parameter *ret)
{
	int n;

	if (sscanf(*at, " %31[a-z_]: %31[][?a-z]%n", ret->name, ret->type, &n) != 2)
		return false;
	*at += n + ((*at)[n] == ',');
	return true;
}

/* What is left once all that is declared has been taken from a copy. */
static int check_rest(const char *declared, const json_t *parameters, struct usn_err *e)
{
	json_t *rest = json_copy((json_t *)(uintptr_t)parameters);
	struct parameter p;
	int r = 0;

	if (!rest)
		return usn_fail(e, ENOMEM, "out of memory");
	while (next(&declared, &p))
		json_object_del(rest, p.name);
	if (json_object_size(rest))
		r = usn_fail(e, EINVAL, "there is no parameter '%.40s'",
			     json_object_iter_key(json_object_iter(rest)));
	json_decref(rest);
	return r;
}

int signature_check(const char *interface, const char *method, const json_t *parameters,
		    struct usn_err *e)
{
	char start[64];
	const char *declared, *at;
	struct parameter p;
	int r = 0;

	snprintf(start, sizeof(start), "\nmethod %s(", method);
	declared = strstr(interface, start);
	if (!declared || (parameters && !json_is_object(parameters)))
		return usn_fail(e, EINVAL, "the parameters are not those of %s", method);
	declared += strlen(start);
	at = declared;
	while (r >= 0 && next(&at, &p))
		r = check(&p, json_object_get(parameters, p.name), e);
	return r < 0 || !parameters ? r : check_rest(declared, parameters, e);
}
