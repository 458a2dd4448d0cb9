# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bash completion for usn(8)

# Devices that are there, and those that have a file.
_usn_devices() {
	local path

	for path in /sys/class/net/usn[0-9]* /etc/usn/usn[0-9]*.conf; do
		[[ -e $path ]] || continue
		path=${path##*/}
		echo "${path%.conf}"
	done
}

_usn() {
	local line=${COMP_LINE:0:COMP_POINT} cur verb i
	local -a words
	COMPREPLY=()

	# COMP_WORDS is split at '=', too: take the words of the line as they stand.
	read -ra words <<<"$line"
	cur=${line##*[[:space:]]}
	[[ $cur ]] || words+=("")
	verb=${words[1]-}

	if [[ ${#words[@]} -le 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "up down list show rig tail record dump ambient bind unbind doctor --help --version" -- "$cur")
		return
	fi

	if [[ $verb == rig ]]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == -- ]] || continue
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			else
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			fi
			return
		done
	fi

	case $verb:${words[-2]} in
	tail:-w | record:-w | dump:-w)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	tail:-[cCGWsBpnr] | record:-[lsBpnr] | bind:-p | unbind:-p) return ;;
	tail:-Q | record:-Q)
		mapfile -t COMPREPLY < <(compgen -W "in out inout" -- "$cur")
		return
		;;
	tail:-t)
		mapfile -t COMPREPLY < <(compgen -W "real mono delta rel" -- "$cur")
		return
		;;
	ambient:-c | bind:-c | unbind:-c)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	esac

	local candidates=
	case $verb in
	up)
		candidates="Address= MTU= Peer=none Peer=echo Except=local Except=x11 Except= DNS= Ambient=yes $(_usn_devices)"
		[[ ${#words[@]} -gt 3 ]] || candidates="--help $(_usn_devices)"
		;;
	down) candidates="-f --force --help $(_usn_devices)" ;;
	list | doctor) candidates="-j --json --help" ;;
	show) candidates="-j --json --help $(_usn_devices)" ;;
	rig)
		candidates="--"
		[[ ${#words[@]} -gt 3 ]] || candidates="--help $(_usn_devices)"
		;;
	bind) candidates="-p --pid= -r --rebind -c --cgroup= -u --unit --help $(_usn_devices)" ;;
	unbind) candidates="-p --pid= -r --rebind -c --cgroup= -u --unit --help" ;;
	ambient) candidates="on off show -c --cgroup= -j --json --help" ;;
	record)
		candidates="-l --last= -s --snaplen= -B --ring= -Q --direction= -p --pid= -n --comm= -r --run= -w --write= --on-failure-of= --help"
		candidates+=" $(_usn_devices)"
		;;
	dump) candidates="-w --write= --help $(_usn_devices)" ;;
	tail)
		candidates="-c --count= -w --write= -C --file-size= -G --rotate= -W --files= -j --json -t --time= -s --snaplen= -B --ring= -Q --direction= -i --immediate"
		candidates+=" -p --pid= -n --comm= -r --run= --help all $(_usn_devices)"
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$cur" | sort -u)

	# readline replaces only what stands behind the last '='.
	if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*=}"}"}")
	fi
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
}

complete -F _usn usn
