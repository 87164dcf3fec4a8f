# The rest is the same in every repro.sh up to the line "# What the case did".

runtime=${1:-$recorded_runtime}
case $runtime in
  */*) ;;
  *) runtime=$(command -v "$runtime") || { echo "$1: no such program" >&2; exit 4; } ;;
esac
here=$(cd "$(dirname "$0")" && pwd) || exit 4
runtime=$(cd "$(dirname "$runtime")" && pwd)/$(basename "$runtime")
probe=${PROBE:-$here/../probe}
[ -x "$runtime" ] || { echo "$runtime: no such program; give a runtime" >&2; exit 4; }
[ -f "$probe" ] || { echo "$probe: no probe; name one by PROBE=" >&2; exit 4; }

# Mounts that are made here or that a runtime forgets, and names that it gives, go with a namespace.
if [ -z "${REPRO_INSIDE-}" ] && command -v unshare >/dev/null && unshare --mount --uts true 2>/dev/null; then
  REPRO_INSIDE=1 PROBE=$probe exec unshare --mount --uts sh "$here/repro.sh" "$runtime"
fi
top=${TMPDIR:-/tmp}/repro.$$
mkdir -m 711 "$top" || exit 4
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
if [ -n "${REPRO_INSIDE-}" ]; then mount -t tmpfs -o mode=0711 tmpfs "$top" 2>/dev/null; fi

if sleep 0.01 2>/dev/null; then nap=0.05 turns=$((deadline * 20)); else nap=1 turns=$deadline; fi
differ=0 unlike=0 children='' containers='' pid='' doors='true'
tab=$(printf '\t')

# crun refuses a host that mounts v1 and has left a controller in v2: both are shown to it as v1.
claim() {
  left=$(cat /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null)
  [ -n "${REPRO_INSIDE-}" ] && [ -n "$left" ] || return 0
  mkdir "$top/cgroup" && mount -t tmpfs -o mode=0755 tmpfs "$top/cgroup" || return 0
  for old in /sys/fs/cgroup/*; do
    new=$top/cgroup/${old##*/}
    if [ -h "$old" ]; then cp -P "$old" "$new"
    elif grep -q " $old " /proc/self/mountinfo; then mkdir "$new" && mount --bind "$old" "$new"; fi
  done
  for old in $left; do
    mkdir "$top/cgroup/$old" && mount -t cgroup -o "$old" cgroup "$top/cgroup/$old" 2>/dev/null ||
      rmdir "$top/cgroup/$old"
  done
  umount -R -l /sys/fs/cgroup && mount --move "$top/cgroup" /sys/fs/cgroup
}

printable() { tr -d '\000-\010\013-\037\177' | cut -c 1-400 | head -n 20; }
strip() { sed 's/\\u000[9a]//g' | tr -d ' \t\r\n'; }

# judge WHAT RECORDED SEEN [EXPECTED]: where the case names what it expects, all else deviates
judge() {
  shown=$(printf '%s' "$3" | printable)
  if [ "$2" = "$3" ]; then
    printf '  as recorded  %s: %s\n' "$1" "$shown"
  elif [ -n "${4-}" ] && [ "$4" != "$3" ]; then
    unlike=$((unlike + 1))
    printf '  unexpected   %s: %s\n' "$1" "$shown"
    printf '               recorded: %s\n' "$(printf '%s' "$2" | printable)"
  else
    differ=$((differ + 1))
    printf '  DIFFERENT    %s: %s\n' "$1" "$shown"
    printf '               recorded: %s\n' "$(printf '%s' "$2" | printable)"
  fi
}

# gone PID: whether the process has ended, if only as a zombie
gone() {
  [ -n "$1" ] && { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  case $stat in *') Z '* | *') X '*) return 0 ;; esac
  return 1
}

# The rootfs and what else the runtime is given: directory MODE PATH, file MODE PATH TEXT, ...
directory() { mkdir -p "$2" && chmod "$1" "$2"; }
file() { mkdir -p "$(dirname "$2")" && printf '%s' "$3" >"$2" && chmod "$1" "$2"; }
octal() { mkdir -p "$(dirname "$2")" && printf '%b' "$3" >"$2" && chmod "$1" "$2"; }
program() { mkdir -p "$(dirname "$2")" && cp "$probe" "$2" && chmod "$1" "$2"; }
device() { mknod "$2" "$3" "$4" "$5" && chmod "$1" "$2"; }
# mounted PATH: a file system of its own, whose flags are set when it has been filled
mounted() { mkdir -p "$1" && mount -t tmpfs -o mode=0755 tmpfs "$1"; }
link() { mkdir -p "$(dirname "$1")" && ln -s "$2" "$1"; }
name() { mkdir -p "$(dirname "$1")" && ln "$2" "$1"; }
fifo() { mkdir -p "$(dirname "$2")" && { [ -p "$2" ] || mkfifo "$2"; } && chmod "$1" "$2"; }
# config NAME PATH: config.json of the evidence, with the paths that hold here
config() { mkdir -p "$(dirname "$2")" && sed "s|$recorded_top|$top|g" "$here/$1" >"$2"; }

# begin NUMBER DIRECTORY OUTPUT WORDS...: an operation, whose end nobody waits for yet
begin() {
  number=$1 where=${2:-/} out=$3 err=${3%.out}.err
  shift 3
  mkdir -p "$(dirname "$out")"
  (
    cd "$where" || exit 125
    eval "$doors"
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      'CONFORMANCE_CALLER=environment of the runtime' "$runtime" "$@"
  ) </dev/null >>"$out" 2>>"$err" &
  eval "child_$number=$! err_$number=\$err"
  children="$children $!"
}

# settle NUMBER: waits for the end of an operation; outcome is how it ended
settle() {
  eval "child=\$child_$1"
  turn=0 outcome=
  until gone "$child"; do
    if [ "$turn" -ge "$turns" ]; then outcome=hung; kill -9 "$child" 2>/dev/null; fi
    turn=$((turn + 1))
    sleep $nap
  done
  wait "$child" 2>/dev/null
  status=$?
  eval "status_$1=$status"
  if [ -n "$outcome" ]; then :
  elif [ $status -gt 128 ] && [ $status -lt 193 ]; then outcome="signal $((status - 128))"
  elif [ $status -gt 0 ]; then outcome=error
  else outcome='exit 0'; fi
}

# end NUMBER NAME RECORDED
end() {
  settle "$1"
  judge "$2" "$3" "$outcome"
  eval "err=\$err_$1"
  printable <"$err" | sed 's/^/               stderr: /'
}

# running NUMBER RECORDED: whether an operation has not ended yet
running() {
  found=yes
  if eval "gone \"\$child_$1\""; then found=no; fi
  judge 'the operation has not ended' "$2" "$found"
}

# status NUMBER RECORDED: of an operation that has ended
status() { eval "judge 'exit status' $2 \"\$status_$1\""; }

# Its number is asked for apart from the operations of the case.
find_pid() {
  number=$1
  shift
  pid=$(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$runtime" "$@" 2>/dev/null </dev/null | strip |
    sed -n 's/.*"pid":\([1-9][0-9]*\).*/\1/p')
  eval "pid_$number=\$pid"
}

count() { if [ -f "$1" ]; then grep -c -F -e "$2" "$1"; else echo 0; fi; }

# await FILE COUNT RECORDED TEXT: whether so many lines with the text come
await() {
  turn=0 ended='' found=no
  while :; do
    if [ "$(count "$1" "$4")" -ge "$2" ]; then found=yes; break; fi
    if [ -n "$ended" ] || [ "$turn" -ge "$turns" ]; then break; fi
    # What was written before the end is read once more after it.
    case $1 in *.out) if [ -n "$pid" ] && gone "$pid"; then ended=1; fi ;; esac
    turn=$((turn + 1))
    sleep $nap
  done
  judge "the program shows $4" "$3" "$found"
}

# pick FILE NTH SELECT...: the nth line that has all the texts, or the whole file
pick() {
  file=$1 nth=$2 text=$(cat "$1" 2>/dev/null)
  shift 2
  for select in "$@"; do text=$(printf '%s\n' "$text" | grep -F -e "$select"); done
  if [ $# -gt 0 ]; then text=$(printf '%s\n' "$text" | sed -n "${nth}p"); fi
  printf '%s' "$text"
}

# Numbers of namespaces and of processes are others in every run.
lasting() {
  script='s/"pid":[2-9]/"pid":"POSITIVE"/g;s/"pid":[1-9][0-9][0-9]*/"pid":"POSITIVE"/g'
  script="$script;s/\"POSITIVE\"[0-9]*/\"POSITIVE\"/g;s/\"pid\":\"[0-9][0-9]*\"/\"pid\":\"NUMBER\"/g"
  for name in /proc/self/ns/*; do
    own=$(readlink "$name" | sed 's/[][]/\\&/g')
    script="$script;s/\"$own\"/\"[own]\"/g"
  done
  sed "$script;s/\"[a-z_]*:\\[[0-9]*\\]\"/\"[new]\"/g"
}

# decode: JSON may write a character as itself or as \uXXXX; those beyond ASCII become UTF-8
decode() {
  awk '
    function hex(text,  i, n) {
      for (i = 1; i <= 4; i++) n = n * 16 + index("123456789abcdef", tolower(substr(text, i, 1)))
      return n
    }
    function utf8(n) {
      if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
      if (n < 65536) return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
      return sprintf("%c%c", 240 + int(n / 262144), 128 + int(n / 4096) % 64) \
        sprintf("%c%c", 128 + int(n / 64) % 64, 128 + n % 64)
    }
    { rest = $0; out = ""
      while (match(rest, /\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]/)) {
        text = substr(rest, RSTART, 6); code = hex(substr(text, 3))
        out = out substr(rest, 1, RSTART - 1); rest = substr(rest, RSTART + 6)
        if (code >= 55296 && code < 56320 && rest ~ /^\\u[dD][c-fC-F]/) {
          code = 65536 + (code - 55296) * 1024 + hex(substr(rest, 3)) - 56320; rest = substr(rest, 7)
        }
        out = out (code < 128 ? text : utf8(code))
      }
      printf "%s", out rest }'
}

# A listing of a directory has no order.
unordered() { tr ',[' '\n\n' | sort | tr '\n' ' '; }

# field FILE NTH QUOTED KEY RECORDED SELECT...: a member of a line; RECORDED: JSON, empty if absent
field() {
  file=$1 nth=$2 quoted=$3 key=$4 recorded=$(printf '%s' "$5" | strip | decode | lasting)
  shift 5
  text=$(pick "$file" "$nth" "$@")
  if [ -n "$quoted" ]; then text=$(printf '%s' "$text" | sed 's/\\"/"/g;s/\\\\/\\/g'); fi
  text=$(printf '%s' "$text" | strip | decode | lasting)
  case $text in
    *"\"$key\":"*) value=${text#*"\"$key\":"} ;;
    *) value= ;;
  esac
  if [ -n "$recorded" ]; then
    case $text in *"\"$key\":$recorded"[],}]* ) value=$recorded ;; esac
  fi
  if [ "$key" = names ] && [ -n "$value" ]; then
    recorded=$(printf '%s' "${recorded%]}" | unordered) value=$(printf '%s' "${value%%]*}" | unordered)
  fi
  judge "$key" "$recorded" "$value"
}

# column FILE COLUMN LIKE RECORDED EXPECTED SELECT...: a member of all lines with any of the texts
column() {
  file=$1 column=$2 like=$3 recorded=$4 expected=$5
  shift 5
  case $column in
    'as event') take='s/.*"as":"\([^"]*\)","event":"\([^"]*\)".*/\1 \2/p' ;;
    *) take="s/.*\"$column\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p" ;;
  esac
  found=$(for select in "$@"; do printf '%s\n' "$select"; done >"$top/patterns"
    grep -F -f "$top/patterns" "$file" 2>/dev/null | sed -n "$take" | sed 's/^ //')
  if [ -n "$like" ]; then found=$(printf '%s' "$found" | grep -E -e "$like"); fi
  judge "$column of ${file##*/}" "$recorded" "$found" "$expected"
}

# mounts FILE POINT RECORDED: of the mount table in the facts of a program
mounts() {
  found=$(pick "$1" 1 '"mountinfo":"' | sed 's/.*"mountinfo":"\([^"]*\)".*/\1/' |
    awk '{ gsub(/\\u000a/, "\n"); printf "%s", $0 }' | awk -v point="$2" '
      function sorted(text,  part, n, i, j, t) {
        n = split(text, part, ",")
        for (i = 2; i <= n; i++) for (j = i; j > 1 && part[j - 1] > part[j]; j--) {
          t = part[j]; part[j] = part[j - 1]; part[j - 1] = t
        }
        text = part[1]
        for (i = 2; i <= n; i++) text = text "," part[i]
        return text
      }
      { split($0, half, " - "); split(half[1], f, " "); split(half[2], g, " "); tags = ""
        for (i = 7; i in f; i++) { sub(/:.*/, "", f[i]); tags = tags (tags == "" ? "" : ",") f[i] }
        if (f[5] == point || point == "" && f[5] != "/")
          print f[5], f[4], sorted(f[6]), sorted(tags), g[1], g[2], sorted(g[3])
        for (i in f) delete f[i] }')
  judge "mounts${2:+ at }$2" "$3" "$found"
}

# text FILE RECORDED: all that an operation has printed
text() {
  recorded=$(printf '%s' "$2" | strip | decode) found=$(strip <"$1" | decode)
  judge 'what is printed' "$recorded" "$found"
}

# exited RECORDED [NUMBER]: whether the container process ends, of the container that call made
exited() {
  if [ $# -gt 1 ]; then eval "pid=\${pid_$2-}"; fi
  turn=0 found=yes
  until gone "$pid"; do
    if [ "$turn" -ge "$turns" ]; then found=no; break; fi
    turn=$((turn + 1))
    sleep $nap
  done
  judge 'the container process ends' "$1" "$found"
}

# settled STATUS RECORDED WORDS...: the status, asked for until it is this one
settled() {
  wanted=$1 recorded=$2 since=$(date +%s)
  shift 2
  while :; do
    rm -f "$top/state.out"
    begin state / "$top/state.out" "$@"
    settle state
    status=$(strip <"$top/state.out" | sed -n 's/.*"status":"\([^"]*\)".*/\1/p')
    if [ "$status" = "$wanted" ]; then break; fi
    if [ $(($(date +%s) - since)) -ge "$deadline" ]; then break; fi
  done
  judge status "$recorded" "$status"
}

# cgroup NAME RECORDED: a control file of the cgroups of the container process
cgroup() {
  found=
  while IFS=: read -r _ controllers path; do
    for mounted in "$controllers" "${controllers%%,*}" unified ''; do
      control=/sys/fs/cgroup/${mounted#name=}$path/$1
      if [ -f "$control" ]; then found=$(cat "$control"); break 2; fi
    done
  done <"/proc/$pid/cgroup"
  judge "$1" "$2" "$found"
}

cleanup() {
  trap - EXIT
  eval "$containers"
  for child in $children $pid; do gone "$child" || kill -9 "$child" 2>/dev/null; done
  for name in $cgroups; do
    find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null
  done
  if [ -n "${REPRO_INSIDE-}" ] && umount -l "$top" 2>/dev/null; then rmdir "$top"
  elif grep -q " $top/" /proc/self/mountinfo; then echo "mounts are left below $top" >&2
  else rm -rf "$top"; fi
}

finish() {
  echo
  if [ -n "$lacks" ]; then
    echo "cannot be told here: the case builds on what a shell cannot make: $lacks"
    exit 2
  elif [ "$differ" -gt 0 ] && [ -n "$earlier" ]; then
    echo "cannot be told here: $differ of the observations differ, but there had been $earlier"
    exit 2
  elif [ "$differ" -gt 0 ]; then
    echo "the deviation is not seen: $differ of the observations differ from the recorded ones"
    exit 1
  elif [ -n "$beyond" ]; then
    echo "cannot be told here: all is as recorded, but the case also looks at: $beyond"
    exit 2
  fi
  if [ "$unlike" -gt 0 ]; then echo 'the deviation is seen: neither as expected nor as recorded'
  else echo 'the deviation is seen: all is as recorded'; fi
  exit 0
}

claim
