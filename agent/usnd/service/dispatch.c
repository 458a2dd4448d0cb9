// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The interfaces of the agent, and the errors that a request can end with. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "usnd/service/call.h"
#include "usnd/service/dispatch.h"
#include "usnd/service/signature.h"

static const char description[] =
#include "io.usn.varlink.h"
	;

static const char varlink_description[] =
	"# What every service has (varlink.org).\n"
	"interface org.varlink.service\n\n"
	"method GetInfo() -> (\n"
	"  vendor: string, product: string, version: string, url: string, interfaces: []string\n"
	")\n\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n";

static const struct {
	const char *name;
	const char *description;
} interfaces[] = {
	{ "org.varlink.service", varlink_description },
	{ "io.usn", description },
};

static const struct {
	int code;
	const char *name;
} errors[] = {
	{ ENODEV, "io.usn.NoSuchDevice" }, { EBUSY, "io.usn.Busy" },   { EEXIST, "io.usn.Busy" },
	{ EINVAL, "io.usn.Invalid" },      { EPERM, "io.usn.Denied" },
};

static json_t *error_answer(const struct usn_err *e)
{
	const char *name = "io.usn.Failed";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].code == e->code)
			name = errors[i].name;
	}
	return json_pack("{s:s, s:{s:i, s:s%}}", "error", name, "parameters", "errno", e->code,
			 "message", e->text, strlen(e->text));
}

/* Errors of the protocol, org.varlink.service.NAME (KEY: VALUE). */
static json_t *protocol_error(const char *name, const char *key, const char *value)
{
	return json_pack("{s:o, s:{s:s}}", "error", json_sprintf("org.varlink.service.%s", name),
			 "parameters", key, value);
}

static json_t *get_info(void)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:[s, s]}}", "parameters", "vendor", "usn",
			 "product", "usnd", "version", USN_VERSION, "url", "", "interfaces",
			 "org.varlink.service", "io.usn");
}

static json_t *get_description(const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	size_t i;

	if (!name)
		return protocol_error("InvalidParameter", "parameter", "interface");
	for (i = 0; i < ARRAY_SIZE(interfaces); i++) {
		if (!strcmp(name, interfaces[i].name))
			return json_pack("{s:{s:s}}", "parameters", "description",
					 interfaces[i].description);
	}
	return protocol_error("InterfaceNotFound", "interface", name);
}

static json_t *call_method(struct caller *c, const struct method *m, const json_t *parameters,
			   int *ret_fd)
{
	struct call call = { .caller = c, .parameters = parameters, .fd = -1 };
	struct usn_err e = { .code = EIO, .text = "failed" };
	int r = call_permit(&call, m, &e);

	if (r >= 0)
		r = signature_check(description, m->name, parameters, &e);
	if (r >= 0)
		r = m->call(&call, &e);
	if (r < 0) {
		json_decref(call.answer);
		close_fd(call.fd);
		return error_answer(&e);
	}
	*ret_fd = call.fd;
	return json_pack("{s:o}", "parameters", call.answer ? call.answer : json_object());
}

json_t *dispatch(const struct method *methods, struct caller *c, const json_t *request, int *ret_fd)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	const json_t *parameters = json_object_get(request, "parameters");
	const struct method *m;

	if (!method)
		return protocol_error("InvalidParameter", "parameter", "method");
	if (!strcmp(method, "org.varlink.service.GetInfo"))
		return get_info();
	if (!strcmp(method, "org.varlink.service.GetInterfaceDescription"))
		return get_description(parameters);
	for (m = methods; m->name; m++) {
		if (!strncmp(method, "io.usn.", 7) && !strcmp(method + 7, m->name))
			return call_method(c, m, parameters, ret_fd);
	}
	return protocol_error("MethodNotFound", "method", method);
}
