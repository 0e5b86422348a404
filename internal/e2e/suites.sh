#!/bin/bash
# Other people's client suites against our broker: each on a fresh broker with a data directory of its own.
#   suites.sh [kcat] [kgo] [chaos] [clients] [java] [kfake] [kafkago] [kgo-full]     default: all but the last, 30 minutes
#   SUITES_DIR=DIR    where the suites' scripts lie (make sets it); without it everything is skipped, and CI fails
#   MAINSTEM=FILE     the broker's binary; default bin/mainstem of this repository
# What a suite is known to fail for, because the broker serves no such API yet, stands in known/SUITE.txt with its reason.
# Closes with 'N passed, N failed, N skipped'; the exit code is 1 when something failed that no list names.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mainstem=${MAINSTEM:-$root/bin/mainstem}
suites=${SUITES_DIR:-$root/../shared/suites}
known=$here/known
work=$(mktemp -d "${TMPDIR:-/tmp}/mainstem-suites-XXXXXX")
broker=

stop_broker() {
  [ -n "$broker" ] || return 0
  kill -TERM "$broker" 2> /dev/null
  wait "$broker" 2> /dev/null
  broker=
}
end() { stop_broker; rm -rf "$work"; }
trap end EXIT
trap 'echo "interrupted by a signal"; exit 130' INT TERM

if [ ! -x "$suites/kcat.sh" ]; then
  echo "SKIPPED: no suites in $suites (SUITES_DIR); no client was tried"
  echo "0 passed, 0 failed, 1 skipped"
  [ -z "${CI:-}" ]; exit
fi
[ -x "$mainstem" ] || { echo "no broker at $mainstem: make build"; exit 2; }

free_port() { # below the ports that the system gives to clients
  local port
  while :; do
    port=$((15000 + RANDOM % 15000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
  done
}

# The settings that the suites ask for, and the java suite's for share and streams groups.
settings=(
  auto.create.topics.enable=true num.partitions=4 group.initial.rebalance.delay.ms=0
  group.consumer.heartbeat.interval.ms=1000 group.consumer.min.heartbeat.interval.ms=1000
  offsets.topic.replication.factor=1 transaction.state.log.replication.factor=1 transaction.state.log.min.isr=1
  journal.file.bytes=67108864
  authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer allow.everyone.if.no.acl.found=true
)

start_broker() { # start_broker NAME: sets BROKERS, and SASL_BROKER, a listener with the users that the Go suites want
  local log=$work/$1.log args=() s try
  for s in "${settings[@]}"; do args+=(--set "$s"); done
  BROKERS=127.0.0.1:$(free_port) SASL_BROKER=127.0.0.1:$(free_port)
  export BROKERS SASL_BROKER
  args+=(
    --set "listeners=PLAINTEXT://$BROKERS,SASL_PLAINTEXT://$SASL_BROKER"
    --set sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
    --set 'listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_adminplain="admin-secret";'
  )
  "$mainstem" server --data-dir "$work/$1" --admin none --log-format json "${args[@]}" > "$log" 2>&1 &
  broker=$!
  for try in $(seq 150); do
    if grep -q '"broker is ready"' "$log"; then
      for s in 256 512; do
        for u in adminscram "adminscram$s"; do
          "$mainstem" user create "$u" -q -b "$BROKERS" --mechanism "SCRAM-SHA-$s" <<< "admin-secret-$s" || exit 2
        done
      done
      return
    fi
    kill -0 "$broker" 2> /dev/null || break
    sleep 0.2
  done
  echo "the broker does not start; its log:"
  cat "$log"
  exit 2
}

passed=0 failed=0 skipped=0 code=0
declare -a lines

# suite NAME LIST COMMAND...: a suite on a broker of its own, with known/LIST.txt
suite() {
  local name=$1 list=$known/$2.txt out=$work/$1.out began=$SECONDS rc closing
  shift 2
  start_broker "$name"
  echo "== $name"
  KNOWN_EXTRA=$list SUITES_OUT=${SUITES_OUT:-$work/out} "$@" > "$out" 2>&1
  rc=$?
  if ! kill -0 "$broker" 2> /dev/null; then
    echo "THE BROKER ENDED during $name; the end of its log:"
    tail -n 20 "$work/$name.log"
    rc=1
  fi
  stop_broker
  rm -rf "${work:?}/$name"
  grep -E '^(NEW|passes|known) ' "$out" | cut -c1-200
  closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out" | tail -n 1)
  if [ -z "$closing" ]; then
    tail -n 15 "$out"
    closing="0 passed, 0 failed, 0 skipped"
    rc=1
  fi
  read -r p _ f _ s _ <<< "$closing"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  lines+=("$(printf '%-22s %5d s  %s%s' "$name" $((SECONDS - began)) "$closing" "$([ $rc = 0 ] || echo '  <- NEW failures')")")
  [ $rc = 0 ] || code=1
}

need() { # need COMMAND PACKAGE: installs a Debian package where that is possible
  command -v "$1" > /dev/null && return
  echo "installing $2"
  { apt-get install -y --no-install-recommends "$2" || { apt-get update && apt-get install -y --no-install-recommends "$2"; }; } > "$work/apt.log" 2>&1 ||
    echo "$1 is missing and $2 could not be installed"
}

# The tests of franz-go's client that use groups, transactions or share groups; the others run.
kgo_skip=$(sed -n 's/^\(Test[A-Za-z0-9_]*\) .*/\1/p' "$known/kgo-skip.txt" | paste -sd '|')

kgo() { # kgo PROFILE: on the broker that runs
  SKIP_TESTS="^($kgo_skip)\$" SCRAM=adminscram:admin-secret-512:512 SCRAM_SEEDS=$SASL_BROKER "$suites/kgo.sh" "$1"
}

[ $# -gt 0 ] || set -- kcat kgo chaos clients java kfake kafkago
for s in "$@"; do
  case $s in
    kcat) need kcat kcat; suite kcat kcat "$suites/kcat.sh" ;;
    kgo) suite kgo kgo kgo fast ;;
    chaos) suite kgo-chaos kgo kgo chaos ;;
    kgo-full) suite kgo-full kgo kgo full ;;
    clients)
      need node nodejs; need npm npm
      for c in confluent kafkapython kafkajs; do suite "clients-$c" clients "$suites/clients.sh" "$c"; done ;;
    java) need java openjdk-17-jdk-headless; need mvn maven; suite java java "$suites/java.sh" ;;
    kfake) suite kfake kfake "$suites/kfake_tests.sh" ;;
    kafkago) suite kafkago kafkago "$suites/kafkago.sh" ;;
    *) echo "no such suite: $s (kcat kgo chaos clients java kfake kafkago kgo-full)"; exit 2 ;;
  esac
done
echo
printf '%s\n' "${lines[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
exit $code
