#!/bin/sh
# Makes what compose.yaml needs beside it and no repository may hold: certificates, passwords, .env files, a data folder.
# What is there already stays as it is. To begin anew: stop everything, and remove certs/, data/ and the .env files.
set -eu
cd "$(dirname "$0")"
umask 077

random() { printf 'k%s' "$(openssl rand -hex 24)"; }

mkdir -p data
[ -e certs/tls.crt ] || ../nats/make-certs.sh certs nats localhost 127.0.0.1

if [ ! -e nats.env ]; then
  publisher=$(random)
  agent=$(random)
  cat >nats.env <<ENV
NATS_PUBLISHER_PASSWORD=$publisher
NATS_AGENT_PASSWORD=$agent
NATS_MONITOR_PASSWORD=$(random)
ENV
  sed "s/^FANOUT_NATS_PASSWORD=.*/FANOUT_NATS_PASSWORD=$agent/" agents.env.example >agents.env
  sed "s/^FANOUT_NATS_PASSWORD=.*/FANOUT_NATS_PASSWORD=$publisher/" receiver.env.example >receiver.env
  # The bus runs as the user who made its files.
  printf 'FANOUT_UID=%s\nFANOUT_GID=%s\n' "$(id -u)" "$(id -g)" >.env
fi
echo 'Now fill in agents.env (and receiver.env, where the receiver is to run).'
