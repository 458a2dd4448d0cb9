# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bash completion for usn-run(1)

# Complete the command's own arguments; the command is the word $2, no sooner than word $1.
_usn_run_command() {
	local i=$1

	while [[ $i -lt $COMP_CWORD && ${COMP_WORDS[i]} != "$2" ]]; do
		i=$((i + 1))
	done
	if declare -F _command_offset >/dev/null; then
		_command_offset "$i"
	else
		mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
		compopt -o filenames 2>/dev/null
	fi
}

_usn_run() {
	local line=${COMP_LINE:0:COMP_POINT} cur path i
	local -a words candidates
	COMPREPLY=()

	# COMP_WORDS is split at '=', too: take the words of the line as they stand.
	read -ra words <<<"$line"
	cur=${line##*[[:space:]]}
	[[ $cur ]] || words+=("")

	case ${words[-2]} in
	-x | --except)
		mapfile -t COMPREPLY < <(compgen -W "loopback local x11 tcp: udp:" -- "$cur")
		return
		;;
	-u | --unset)
		mapfile -t COMPREPLY < <(compgen -e -- "$cur")
		return
		;;
	--dump-on-failure)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	-C | --chdir)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	esac

	# Is the command reached? It is the first word that is neither an option nor an assignment.
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		case ${words[i]} in
		-u | --unset | -C | --chdir | -x | --except | --dns | --dump-on-failure) i=$((i + 1)) ;;
		-* | *=*) ;;
		*)
			_usn_run_command "$i" "${words[i]}"
			return
			;;
		esac
	done

	case $cur in
	-*)
		candidates=(-i --ignore-environment -u --unset -C --chdir -x --except --no-except --dns= --dump-on-failure= --no-guard --help --version)
		mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$cur")
		return
		;;
	ND=* | "" | N | ND)
		candidates=()
		for path in /sys/class/net/usn[0-9]*; do
			[[ ! -e $path ]] || candidates+=("ND=${path##*/}")
		done
		mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$cur")
		# readline replaces only what stands behind the '='.
		if [[ $cur == ND=* && $COMP_WORDBREAKS == *=* ]]; then
			COMPREPLY=("${COMPREPLY[@]#ND=}")
		fi
		[[ ! $cur ]] || return
		;;
	*=*) return ;;
	esac
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$cur")
}

complete -F _usn_run usn-run
