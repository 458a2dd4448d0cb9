# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# "make help" lists the targets and the variables. It takes them from the comments of this file:
# "## TEXT" behind a target or before a variable is its line, "### TEXT" begins a group.

VERSION := 0.1.0

## where install and uninstall work
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
## where the library goes
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR ?= $(PREFIX)/share/doc/usn
## a folder to install into, for who makes a package
DESTDIR ?=
## 1 lets uninstall end the agent and the devices that are up
FORCE ?=

CC ?= cc
## the compiler of the BPF programs
CLANG ?= clang
## the tool that makes their skeletons
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool /usr/local/sbin/bpftool) bpftool)
## sanitizers, such as address,undefined: a build of its own, below build/
SAN ?=
## 1 shows the commands
V ?=
## the kernels of check-vm, such as "5.10 newest"
KERNEL ?=
## the clangs of check-clang, such as "14 22"
CLANGS ?=
## the releases of check-distro, such as "12 13"
DISTRO ?=
## how long fuzz runs each fuzzer
SECONDS ?= 60
## the fuzzers of fuzz, such as "echo varlink"
FUZZ ?=

comma := ,
O := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
# What the programs are built for is their compiler's to say: this machine may be another. clang adds a vendor.
TARGET := $(shell $(CC) $(CFLAGS) -dumpmachine 2>/dev/null)
MULTIARCH := $(or $(shell $(CC) $(CFLAGS) -print-multiarch 2>/dev/null),$(subst -pc-,-,$(subst -unknown-,-,$(TARGET))))
# pkg-config answers for one machine, and Debian names it so.
PKG_CONFIG ?= $(firstword $(notdir $(wildcard /usr/bin/$(MULTIARCH)-pkg-config)) pkg-config)
# Where Wireshark looks for what captures for it, by its own word or by its distribution's habit.
## where Wireshark looks for what captures for it
EXTCAPDIR ?= $(or $(shell $(PKG_CONFIG) --variable=extcapdir wireshark 2>/dev/null),$\
	$(patsubst %/,%,$(firstword $(wildcard $(addsuffix /wireshark/extcap/,/usr/lib/$(MULTIARCH) /usr/lib64 /usr/lib)) \
	/usr/lib/$(if $(MULTIARCH),$(MULTIARCH)/)wireshark/extcap)))

CFLAGS ?= -O2 -g
# A capture calls through four files for each packet. Objects are complete without it, too, for those that link without.
ifeq ($(origin LTO)$(SAN),undefined)
LTO := $(shell $(CC) -flto=auto -ffat-lto-objects -x c -c /dev/null -o /dev/null 2>/dev/null && echo -flto=auto -ffat-lto-objects)
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DUSN_VERSION='"$(VERSION)"' \
	-Iagent -Iinclude -Ibpf -I$(O)/gen \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror \
	-fno-common $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
ALL_LDFLAGS = $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))
# What order of stores the processor keeps is all that the BPF programs ask of it, and they are in its byte order: "bpf" alone
# would be in that of the machine that clang runs on. UAPI headers are the target's: BPF has no multiarch path of its own.
BPF_ARCH := $(if $(filter x86_64-% i386-% i486-% i586-% i686-%,$(TARGET)),x86,other)
BPF_ORDER := $(shell $(CC) $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null | \
	sed -n 's/^.define __BYTE_ORDER__ __ORDER_LITTLE.*/el/p; s/^.define __BYTE_ORDER__ __ORDER_BIG.*/eb/p')
BPF_TARGET = bpf$(or $(BPF_ORDER),$(error '$(CC)' does not say which byte order it builds for))
BPF_CFLAGS = -O2 -g -target $(BPF_TARGET) -mcpu=v3 -D__BPF__ -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
	-I. -Iinclude -Ibpf $(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))

# A word and a file a line: $(call say,WORD,FILE) stands before a recipe's command. V=1 shows the
# command instead; make -s shows neither.
ifneq ($(filter-out 0,$(V)),)
SHOW := commands
say =
else ifneq ($(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
SHOW := nothing
say = @
else
SHOW := words
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

objects = $(patsubst %.c,$(O)/%.o,$(wildcard $(1)))
BASE := $(call objects,agent/base/*.c)
TAP := $(call objects,agent/tap/*.c)
CAPTURE := $(call objects,agent/capture/*.c)
CLIENT := $(call objects,agent/client/*.c)
USND := $(call objects,agent/usnd/*.c agent/usnd/*/*.c)
USN := $(call objects,agent/usn/*.c agent/usn/*/*.c)
RUN := $(call objects,agent/usn-run/*.c)
EXTCAP := $(call objects,agent/usn-extcap/*.c)
OBJECTS := $(BASE) $(TAP) $(CAPTURE) $(CLIENT) $(USND) $(USN) $(RUN) $(EXTCAP)
# libusn.so: the tap, once more, and what it needs of base. The linker says if something is missing.
SHARED := $(patsubst %.c,$(O)/pic/%.o,$(wildcard agent/tap/*.c) \
	$(addprefix agent/base/,cgroup2.c cleanup.c clock.c err.c mountinfo.c parse.c utf8.c))

# Everything but the mains, for the programs and for the unit tests.
ARCHIVES := $(O)/libusnd.a $(O)/libusncmd.a $(O)/libtools.a $(O)/libbase.a
PROGRAMS := $(O)/usnd $(O)/usn $(O)/usn-run $(O)/usn-extcap
SONAME := libusn.so.0
EXAMPLES := $(O)/examples/rig_echo $(O)/examples/tap
TEST_HELPERS := $(patsubst tests/helpers/%.c,$(O)/tests/%,$(wildcard tests/helpers/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/*_test.c))
CONFORMANCE := $(O)/conformance/plain $(O)/conformance/uring
BENCHES := $(patsubst tests/bench/%.c,$(O)/bench/%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,$(O)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

### Build
all: $(PROGRAMS) $(O)/libusn.so $(EXAMPLES) ## build usnd, usn, usn-run, usn-extcap, libusn.so

$(O)/libbase.a: $(BASE)
$(O)/libtools.a: $(TAP) $(CAPTURE) $(CLIENT)
$(O)/libusnd.a: $(filter-out %/main.o,$(USND))
$(O)/libusncmd.a: $(filter-out %/main.o,$(USN))
$(ARCHIVES):
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

$(O)/usnd: $(O)/agent/usnd/main.o $(O)/libusnd.a $(O)/libtools.a $(O)/libbase.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lbpf -lmnl -ljansson -lpcap -lsystemd
$(O)/usn: $(O)/agent/usn/main.o $(O)/libusncmd.a $(O)/libtools.a $(O)/libbase.a
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LTO) $(ALL_LDFLAGS) -o $@ $^ -lbpf -ljansson -lpcap
$(O)/usn-run: $(RUN) $(O)/libtools.a $(O)/libbase.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson
$(O)/usn-extcap: $(EXTCAP) $(O)/libusncmd.a $(O)/libtools.a $(O)/libbase.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lbpf -ljansson -lpcap

# For other programs; ours have the archive. What is missing is found here, not by who links with it.
$(O)/$(SONAME): $(SHARED) agent/tap/libusn.map
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=agent/tap/libusn.map -Wl,-z,defs \
		-o $@ $(SHARED) -lbpf -lpcap
$(O)/libusn.so: $(O)/$(SONAME)
	$(call say,LN,$@)ln -sf $(SONAME) $@

# Names the packages that are missing, before the first file is built and when other tools are to
# be used. The tests need more.
TOOLS = CC='$(CC)' CFLAGS='$(CFLAGS)' CLANG='$(CLANG)' BPFTOOL='$(BPFTOOL)' PKG_CONFIG='$(PKG_CONFIG)'
look = @mkdir -p $(@D); echo '$(TOOLS)' | cmp -s - $@ || { $(TOOLS) tools/missing $(1) && echo '$(TOOLS)' > $@; }
$(O)/tools: FORCE
	$(look)
$(O)/tools-test: $(O)/tools FORCE
	$(call look,test)

# What the flags and the places were: with others, what depends on them is built again.
note = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
$(O)/flags: $(O)/tools FORCE
	$(call note,$(CC) $(ALL_CFLAGS) $(LTO) $(ALL_LDFLAGS))
$(O)/gen/flags: $(O)/tools FORCE
	$(call note,$(CLANG) $(BPF_CFLAGS) $(BPFTOOL))
$(O)/gen/paths.h: FORCE
	@mkdir -p $(@D)
	@printf '#define USN_%s "%s"\n' BINDIR '$(BINDIR)' SBINDIR '$(SBINDIR)' DOCDIR '$(DOCDIR)' > $@.tmp
	@cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

$(O)/pic/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (shared))$(CC) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<

$(O)/gen/%.bpf.o: bpf/%.bpf.c $(O)/gen/flags
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<
$(O)/gen/%.bpf.o: tests/conformance/%.bpf.c $(O)/gen/flags
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<
$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	@mv $@.tmp $@

# The agent's programs, linked into one object so that they share its maps.
$(O)/gen/usnd.bpf.o: $(O)/gen/bind.bpf.o $(O)/gen/guard.bpf.o $(O)/gen/dns.bpf.o
	$(call say,BPF,$@)$(BPFTOOL) gen object $@ $^

SKELETONS := $(O)/gen/usnd.skel.h $(O)/gen/ambient.skel.h $(O)/gen/redirects.skel.h $(O)/gen/tap.skel.h

# The interface as the agent serves it.
$(O)/gen/io.usn.varlink.h: agent/usnd/service/io.usn.varlink
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $< > $@.tmp
	@mv $@.tmp $@

$(O)/agent/usnd/pins/pins.o: $(O)/gen/usnd.skel.h
$(O)/agent/usnd/run/ambient.o: $(O)/gen/ambient.skel.h
$(O)/agent/usnd/pins/redirects.o: $(O)/gen/redirects.skel.h
$(O)/agent/tap/tap_programs.o $(O)/pic/agent/tap/tap_programs.o: $(O)/gen/tap.skel.h
$(O)/agent/client/client.o $(O)/agent/usn-extcap/main.o $(O)/agent/usn/doctor/programs.o: $(O)/gen/paths.h
$(O)/agent/usn-run/recorder.o: $(O)/gen/paths.h
$(O)/agent/usnd/service/dispatch.o: $(O)/gen/io.usn.varlink.h

$(O)/examples/%: docs/examples/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=c11 -Wall -Wextra -Werror $(CFLAGS) -o $@ $<
$(O)/examples/tap: docs/examples/tap.c include/usn.h $(O)/libusn.so
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=c11 -Wall -Wextra -Werror -Iinclude $(CFLAGS) $(ALL_LDFLAGS) -o $@ $< -L$(O) -Wl,-rpath,'$$ORIGIN/..' -lusn

# Tests are run once, and not for long: what the objects have for LTO is left aside.
$(O)/tests/%: tests/unit/%.c $(ARCHIVES) | $(O)/tools-test
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -MT $@ $(ALL_LDFLAGS) -fno-lto -o $@ $< $(ARCHIVES) -lcmocka -lbpf -lmnl -ljansson -lpcap -lsystemd
$(O)/tests/%: tests/helpers/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(if $(findstring static,$*),-static)
$(O)/tests/ring_stress: tests/helpers/ring_stress.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fno-lto -o $@ $< $(ARCHIVES) -lbpf -lpcap
$(O)/tests/musl_%: tests/helpers/musl_%.c | $(O)/tools-test
	@mkdir -p $(@D)
	$(call say,CC,$<)musl-gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -static -o $@ $<
$(O)/bench/%: tests/bench/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -lbpf
$(O)/conformance/%: tests/conformance/%.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -lbpf
$(O)/conformance/plain: $(O)/gen/plain.skel.h

# With CC=clang and SAN=fuzzer-no-link,address,undefined, as tests/fuzz/run has them. A fuzzer stands
# in for the functions that it defines as __wrap_NAME.
wrapped = $(patsubst __wrap_%,-Wl$(comma)--wrap=%,$(sort $(shell grep -o '__wrap_[a-z0-9_]*' $(1))))
$(O)/fuzz/%: tests/fuzz/%_fuzz.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -Itests/fuzz -MMD -MP -MT $@ $(ALL_LDFLAGS) -fsanitize=fuzzer $(call wrapped,$<) \
		-o $@ $< $(ARCHIVES) -lbpf -lmnl -ljansson -lpcap -lsystemd

UNITS := $(patsubst systemd/%.in,$(O)/systemd/%,$(wildcard systemd/*.in))
$(O)/systemd/%: systemd/%.in $(O)/gen/paths.h
	@mkdir -p $(@D)
	$(call say,GEN,$@)sed -e 's|@BINDIR@|$(BINDIR)|g; s|@SBINDIR@|$(SBINDIR)|g' $< > $@

# How other programs find the library.
$(O)/usn.pc: agent/tap/usn.pc.in FORCE
	$(call say,GEN,$@)sed -e 's|@LIBDIR@|$(LIBDIR)|g; s|@INCLUDEDIR@|$(INCLUDEDIR)|g; s|@VERSION@|$(VERSION)|g' $< > $@

### Install, as root
# What is installed: mode, folder, files (see tools/install). A function of the library has a page
# that shows the one which explains it.
define INSTALLED
755 $(SBINDIR) $(O)/usnd
755 $(BINDIR) $(O)/usn $(O)/usn-run
755 $(EXTCAPDIR) $(O)/usn-extcap
755 $(LIBDIR) $(O)/$(SONAME)
link $(LIBDIR) $(SONAME)=libusn.so
644 $(LIBDIR)/pkgconfig $(O)/usn.pc
644 $(INCLUDEDIR) include/usn.h
644 $(INCLUDEDIR)/usn include/usn/abi.h include/usn/err.h
644 $(COMPLETIONDIR) completions/usn.bash=usn completions/usn-run.bash=usn-run
644 $(MANDIR)/man1 $(wildcard docs/man/*.1)
644 $(MANDIR)/man3 $(wildcard docs/man/*.3)
page $(MANDIR)/man3 $(foreach page,$(wildcard docs/man/*.3),$(call functions,$(page)))
644 $(MANDIR)/man5 $(wildcard docs/man/*.5)
644 $(MANDIR)/man8 $(wildcard docs/man/*.8)
644 $(UNITDIR) $(O)/systemd/usnd.service $(O)/systemd/usn@.service systemd/usn.slice
644 $(DOCDIR) $(wildcard docs/*.md) README.md SECURITY.md LICENSE
644 $(DOCDIR)/examples $(wildcard docs/examples/*.*) systemd/usn0.conf
644 $(DOCDIR)/examples $(O)/systemd/example-app.service
endef
functions = $(patsubst %,man3/$(notdir $(1))=%.3,\
	$(shell sed -n '/^.Sh NAME/,/^.Nd/s/^.Nm \([^ ]*\).*/\1/p' $(1)))

# A word for each line of the table. As a variable of the environment, its prerequisites would
# have it, too.
define newline


endef
PLACES = DESTDIR='$(DESTDIR)' DOCDIR='$(DOCDIR)' LIBDIR='$(LIBDIR)' SHOW=$(SHOW)
TABLE = '$(subst $(newline),' ',$(INSTALLED))'

install: all $(UNITS) $(O)/usn.pc ## install what is built; the variables below say where
	@$(PLACES) tools/install $(TABLE)
uninstall: ## remove what install put there, if nothing of usn's is up
	@$(if $(DESTDIR),,BINDIR='$(BINDIR)' FORCE=$(filter-out 0,$(FORCE)) tools/stop)
	@$(PLACES) tools/install --remove $(TABLE)

### Show and test, as root
# What needs the packages is a make of its own: this one has looked for compilers before they
# came. It uses all processors, unless this one was told how many.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
demo: ## install what a build needs, build, and show the main job
	@tools/deps demo
	@$(MAKE) --no-print-directory $(JOBS) all
	@tools/demo
check: deps ## install what is missing, build, and run every test
	tests/run
check-systemd: deps ## the tests with a systemd that is process 1
	tests/run systemd
check-vm: deps ## the tests on other kernels, in qemu; KERNEL= names them
	@$(MAKE) --no-print-directory $(JOBS) all tests
	KERNEL="$(KERNEL)" tests/vm/check
check-arch: ## a cross build for arm64, its unit tests emulated, and its BPF programs on a kernel of arm64
	@tools/deps
	@tools/deps arch
	@$(MAKE) --no-print-directory $(JOBS) skeletons
	tests/arch/check
check-distro: deps ## the demo and the tests on each Debian, each in a root; DISTRO= names them
	DISTRO="$(DISTRO)" tests/distro/check
check-clang: deps ## each clang, and each compiler of C, of Debian 12 and 13, on each kernel
	KERNEL="$(KERNEL)" CLANGS="$(CLANGS)" tests/clang/check
fuzz: deps ## fuzz every parser of what comes from outside; SECONDS= each, FUZZ= chooses
	tests/fuzz/run --seconds '$(SECONDS)' $(FUZZ)
bench: deps ## speed, as ratios to a peer in the same run
	@$(MAKE) --no-print-directory $(JOBS) all benches
	tests/bench/run

### Look after it
deps: ## install the packages that are missing
	tools/deps
lint: ## clang-format, clang-tidy, shellcheck
	tools/lint
clean: ## remove build/
	rm -rf build
help: ## show this list
	@awk '/^### / { printf "\n%s:\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.* ## / { \
			target = $$1; sub(/:.*/, "", target); sub(/.* ## /, ""); \
			printf "  make %-15s %s\n", target, $$0 } \
		/^## / { text = substr($$0, 4); next } \
		text { \
			sub(/ *[?:]?= */, "="); gsub(/[$$()]/, ""); if (/ /) sub(/=.*/, "="); \
			variables = variables sprintf("  %-20s %s\n", $$0, text); text = "" } \
		END { printf "\nVariables, as in \"make install PREFIX=/usr\":\n%s", variables }' \
		$(firstword $(MAKEFILE_LIST))

### Parts of the above
tests: all $(UNIT_TESTS) $(TEST_HELPERS) $(CONFORMANCE) $(UNITS) ## build what the tests run
unit-tests: $(UNIT_TESTS) ## build the unit tests
benches: $(BENCHES) ## build what bench runs
fuzzers: $(FUZZERS) ## build what fuzz runs
# For clang-tidy, which has to find what is included.
skeletons: $(SKELETONS) $(O)/gen/io.usn.varlink.h $(O)/gen/paths.h ## make the generated headers

.PHONY: FORCE all install uninstall deps demo check check-systemd check-vm check-clang check-arch check-distro fuzz bench lint clean help \
	tests unit-tests benches fuzzers skeletons
.DELETE_ON_ERROR:
.PRECIOUS: $(O)/%.o $(O)/gen/%.bpf.o $(O)/gen/%.skel.h

-include $(OBJECTS:.o=.d) $(SHARED:.o=.d) $(UNIT_TESTS:=.d) $(FUZZERS:=.d) $(wildcard $(O)/gen/*.d)
