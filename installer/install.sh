#!/bin/sh
# Makes this machine a host of the VoidVM at the address below:
#
#   curl -fsSL @EDGE@/install.sh | sudo sh -s -- TOKEN
#
# Options: --no-service   makes no systemd unit; you start `voidvm-agent run` yourself
#          --again        enrols a host anew that is enrolled already, as another one
#
# It installs QEMU from the distribution's packages, the agent (and Node, where the distribution has none that is new
# enough) from the edge, makes the user `voidvm` and a service, and enrols with the token. Running it again repairs and
# updates, and changes nothing else. Every download is checked against the hashes of the edge's manifest.
set -u
umask 022

edge='@EDGE@'
home=/var/lib/voidvm
program=/usr/local/bin/voidvm-agent
links=/usr/local/lib/voidvm/bin
config=/etc/voidvm/agent.env
unit=/etc/systemd/system/voidvm-agent.service
user=voidvm
needed_mib=600

main() {
  read_arguments "$@"
  check_machine
  work=$(mktemp -d /var/tmp/voidvm-install.XXXXXX) || fail "No folder could be made in /var/tmp: is the disk full?"
  trap 'rm -rf "$work"' EXIT
  # A signal ends the script, and so runs the line above.
  trap 'exit 1' HUP INT TERM
  # The agent's user reads what was downloaded, and writes it into its own home by itself.
  chmod 755 "$work"

  fetch_manifest
  make_user
  install_program
  install_agent
  write_config
  enrol
  install_qemu
  if [ "$service" = yes ]; then start_service; else say "Start it with: $program run"; fi
  say "Done. '$program doctor' looks for what is wrong, '$program status' says what it is doing."
}

read_arguments() {
  token='' service=yes again=''
  for argument in "$@"; do
    case $argument in
      --no-service) service=no ;;
      --again) again=--again ;;
      -*) fail "There is no option $argument: use --no-service or --again." ;;
      *) token=$argument ;;
    esac
  done
}

check_machine() {
  [ "$(id -u)" -eq 0 ] || fail "This needs root: put 'sudo' before 'sh'."
  [ "$(uname -s)" = Linux ] || fail "Hosts run Linux, and this is $(uname -s)."
  [ "$(uname -m)" = x86_64 ] || fail "Hosts need an x86-64 CPU, and this one is $(uname -m)."
  if [ "$service" = yes ] && [ ! -d /run/systemd/system ]; then
    fail "systemd does not run here. With --no-service the rest is installed, and you start '$program run' yourself."
  fi
  [ -f /etc/os-release ] || fail "There is no /etc/os-release, so the distribution is not known. $supported"
  # shellcheck source=/dev/null
  distribution=$(. /etc/os-release && echo " ${ID:-} ${ID_LIKE:-} ")
  case $distribution in
    *" debian "* | *" ubuntu "*) packages=apt-get ;;
    *" fedora "*) packages=dnf ;;
    *) fail "This distribution is not supported:$distribution. $supported" ;;
  esac
  for tool in setpriv flock gzip sha256sum useradd "$packages"; do
    command -v "$tool" >/dev/null || fail "'$tool' is missing here. $supported"
  done
  command -v curl >/dev/null || command -v wget >/dev/null || fail "Neither curl nor wget is here: install one of them."
  free_mib=$(df -Pm /var/lib | awk 'NR == 2 { print $4 }')
  [ "$free_mib" -ge "$needed_mib" ] || fail "/var/lib has $free_mib MiB free, and $needed_mib are needed: make room there."
}
supported="Supported: Debian, Ubuntu, Fedora, Rocky Linux and their relatives."

fetch_manifest() {
  fetch manifest
  read -r format <"$work/manifest"
  [ "$format" = "voidvm-release 1" ] || fail "$edge answers something that is not VoidVM's manifest: is the address right?"
  version=$(value_of version)
  lowest_node=$(value_of node)
  case $version$lowest_node in
    *[!0-9.]* | '') fail "The manifest of $edge is damaged." ;;
  esac
}

value_of() {
  awk -v word="$1" '$1 == word { print $2; exit }' "$work/manifest"
}

# Gets the file of this name, piece after piece, as $work/NAME.
download() {
  awk -v name="$1" '
    $1 == "file" { wanted = $2 == name; if (wanted) print "whole", $3, $5 }
    $1 == "piece" && wanted { print "piece", $2, $4 }' "$work/manifest" >"$work/pieces"
  [ -s "$work/pieces" ] || fail "The manifest of $edge has no $1."
  : >"$work/$1"
  while read -r word hash what; do
    if [ "$word" = whole ]; then
      whole=$hash encoding=$what
      continue
    fi
    case $what in *[!a-z0-9._-]*) fail "The manifest of $edge is damaged." ;; esac
    fetch "$what"
    check "$work/$what" "$hash"
    if [ "$encoding" = gzip ]; then gzip -dc "$work/$what"; else cat "$work/$what"; fi >>"$work/$1" ||
      fail "$1 could not be written: is the disk full?"
    rm -f "$work/$what"
  done <"$work/pieces"
  check "$work/$1" "$whole"
}

fetch() {
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 20 -o "$work/$1" "$edge/release/$1"
  else
    wget -q --tries=3 --timeout=20 -O "$work/$1" "$edge/release/$1"
  fi || fail "$edge/release/$1 could not be fetched. Does this machine reach $edge, and is there room in /var/tmp?"
}

check() {
  found=$(sha256sum "$1")
  [ "${found%% *}" = "$2" ] || fail "$(basename "$1") is not what the manifest says: the download was changed or cut. Try again."
}

make_user() {
  if ! id "$user" >/dev/null 2>&1; then
    useradd --system --user-group --home-dir "$home" --no-create-home --shell /usr/sbin/nologin "$user" ||
      fail "The user $user could not be made."
    say "Made the user $user"
  fi
  getent group kvm >/dev/null || groupadd --system kvm
  usermod --append --groups kvm "$user"
  install -d -o "$user" -g "$user" -m 700 "$home"
}

install_program() {
  download voidvm-agent
  install -D -m 755 "$work/voidvm-agent" "$program.new" || fail "$program could not be written."
  mv "$program.new" "$program"
}

install_agent() {
  folder=$home/versions/$version
  download agent.mjs
  as_agent mkdir -p "$folder" || fail "$folder could not be made."
  node=$(find_node)
  if [ -z "$node" ]; then
    runtime=$home/runtimes/$(awk '$1 == "file" && $2 == "node-linux-x64" { print substr($3, 1, 16) }' "$work/manifest")
    node=$runtime/node
    if ! as_agent test -x "$node"; then
      say "Fetching Node, since this machine has none from $lowest_node on"
      download node-linux-x64
      as_agent mkdir -p "$runtime"
      put node-linux-x64 "$node" 755
    fi
  fi
  put agent.mjs "$folder/agent.mjs" 644
  awk '$1 == "key" { print $2 }' "$work/manifest" >"$work/release-keys"
  put release-keys "$home/release-keys" 644
  as_agent ln -sfn "$node" "$folder/node"
  found=$(as_agent "$folder/node" "$folder/agent.mjs" version) || fail "The agent does not run with $node."
  [ "$found" = "$version" ] || fail "The agent says that it is version $found and not $version."
  as_agent rm -f "$home/trial"
  as_agent ln -sfn "versions/$version" "$home/current.new" || fail "$home/current could not be set."
  as_agent mv -T "$home/current.new" "$home/current"
  say "Installed version $version of the agent"
}

# A node that is new enough and that the agent's user may run, or nothing.
find_node() {
  node=$(command -v node) || return 0
  found=$(as_agent "$node" --version 2>/dev/null) || return 0
  lowest=$(printf '%s\n%s\n' "$lowest_node" "${found#v}" | sort -V | head -n 1)
  if [ "$lowest" = "$lowest_node" ]; then readlink -f "$node"; fi
}

as_agent() {
  (cd / && setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@")
}

# From $work to where the agent's user writes it: root follows no link that this user could have laid.
put() {
  as_agent cp "$work/$1" "$2.new" || fail "$2 could not be written: is the disk full?"
  as_agent chmod "$3" "$2.new"
  as_agent mv "$2.new" "$2"
}

write_config() {
  [ -f "$config" ] && return
  # Only systemd makes a folder in /run for this user at every boot.
  if [ "$service" = yes ]; then sockets=/run/voidvm; else sockets=$home/run; fi
  install -d -m 755 /etc/voidvm
  cat >"$work/agent.env" <<END
# Read by voidvm-agent. Restart it after a change: systemctl restart voidvm-agent
VOIDVM_AGENT_HOME=$home
VOIDVM_RUN=$sockets
# kvm: only with KVM. auto: by emulation where there is no KVM, if the next line allows it.
VOIDVM_ACCEL=auto
VOIDVM_ALLOW_EMULATION=0
# Through a proxy: HTTPS_PROXY=http://proxy.example:3128
END
  # What this installation itself needs to get out, the agent needs as well.
  if [ -n "${HTTPS_PROXY:-}" ]; then
    printf "HTTPS_PROXY='%s'\nNO_PROXY='%s'\n" "$HTTPS_PROXY" "${NO_PROXY:-}" >>"$work/agent.env"
  fi
  install -o root -g "$user" -m 640 "$work/agent.env" "$config"
}

enrol() {
  if [ -z "$token" ] && ! [ -f "$home/agent.json" ]; then
    fail "This host is not enrolled yet: give the token, as in 'sh -s -- TOKEN'. POST /api/v1/hosts makes one."
  fi
  [ -n "$token" ] || return 0
  # By standard input: a command line can be read by everybody on this machine.
  printf '%s' "$token" | "$program" enrol --edge "$edge" $again || exit 1
  token=''
}

install_qemu() {
  if command -v qemu-img >/dev/null && [ -n "$(find_program qemu-system-x86_64)" ] && [ -n "$(find_program genisoimage)" ]; then
    return
  fi
  say "Installing QEMU with $packages"
  if [ "$packages" = apt-get ]; then
    apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends \
      qemu-system-x86 qemu-utils genisoimage
  else
    # Fedora's QEMU has its own name; that of Rocky and its relatives is linked below.
    case $distribution in
      " fedora "*) dnf --assumeyes install qemu-system-x86 qemu-img xorriso ;;
      *) dnf --assumeyes install qemu-kvm qemu-img xorriso ;;
    esac
  fi || fail "QEMU could not be installed; $packages says why. This host is enrolled: mend that, and run this again without a token."

  link_program qemu-system-x86_64 /usr/libexec/qemu-kvm
  # xorriso behaves as genisoimage where it is called so.
  link_program genisoimage /usr/bin/xorriso
}

find_program() {
  PATH=$PATH:$links command -v "$1"
}

# Another program does under this name, where the distribution has none.
link_program() {
  [ -z "$(find_program "$1")" ] || return 0
  [ -x "$2" ] || fail "Neither $1 nor $2 is here after the installation."
  install -d -m 755 "$links"
  ln -sf "$2" "$links/$1"
}

start_service() {
  cat >"$work/unit" <<END
[Unit]
Description=VoidVM agent
Documentation=$edge/docs
Wants=network-online.target
After=network-online.target

[Service]
User=$user
SupplementaryGroups=kvm
ExecStart=$program run
Restart=always
RestartSec=2
# Machines outlive the agent, and one that the kernel ends for its memory does not take it along.
KillMode=process
OOMPolicy=continue
StateDirectory=voidvm
StateDirectoryMode=0700
RuntimeDirectory=voidvm
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
TasksMax=infinity
LimitNOFILE=65536

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
LockPersonality=yes
DevicePolicy=closed
DeviceAllow=/dev/kvm rw
DeviceAllow=/dev/vhost-net rw
DeviceAllow=/dev/net/tun rw

[Install]
WantedBy=multi-user.target
END
  install -m 644 "$work/unit" "$unit"
  systemctl daemon-reload
  systemctl enable --quiet voidvm-agent.service
  systemctl restart voidvm-agent.service || fail "The service does not start: journalctl -u voidvm-agent says why."
  say "The service voidvm-agent runs"
}

say() {
  echo "voidvm: $1"
}

fail() {
  echo "voidvm: $1" >&2
  exit 1
}

main "$@"
