#!/bin/sh
# A private certificate authority and one certificate signed by it, for trying things out and for the servers among
# themselves. Clients trust it by NODE_EXTRA_CA_CERTS=<folder>/ca.crt. For agents elsewhere a public certificate is simpler.
# usage: make-certs.sh <folder> <name or IP> [<name or IP> …]     several servers: name them all, or run it once for each
set -eu

VALID_DAYS=825
[ $# -ge 2 ] || { sed -n '4s/^# //p' "$0" >&2; exit 2; }
folder=$1
shift
names=$(for name in "$@"; do
  case $name in
    *:* | *[!0-9.]*) case $name in *:*) printf 'IP:%s,' "$name" ;; *) printf 'DNS:%s,' "$name" ;; esac ;;
    *) printf 'IP:%s,' "$name" ;;
  esac
done)

umask 077
mkdir -p "$folder"
cd "$folder"
if [ ! -e ca.key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$VALID_DAYS" -sha256 \
    -subj "/CN=datafile-fanout private CA" -keyout ca.key -out ca.crt 2>/dev/null
fi
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout tls.key -out tls.csr 2>/dev/null
cat >tls.ext <<EXT
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=${names%,}
EXT
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days "$VALID_DAYS" -sha256 \
  -extfile tls.ext -out tls.crt 2>/dev/null
rm -f tls.csr tls.ext
chmod 644 ca.crt tls.crt
echo "ca.crt, ca.key, tls.crt and tls.key are in $folder"
