#!/bin/sh
# SM2 with OpenSSL's command line. One JSON object a line; the throwaway keys are new each time.
set -eu
cd "$(mktemp -d)"
printf 'a message' >message
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out public.pem
openssl pkey -pubin -in public.pem -outform DER | tail -c 65 >point
put() { printf '{"what": "%s", "call": "%s", "public_key": "%s", "signature": "%s", "message": "%s"%s}\n' "$1" "$2" "$(hex point)" "$(hex signature)" "$(hex message)" "${3-}"; }

openssl dgst -sm3 -sign key.pem -out signature message
put dgst "openssl dgst -sm3 -sign key.pem message"
openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678 -out signature message
put dgst-distid "openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678 message"
cp point raw
openssl pkey -pubin -in public.pem -outform DER -out point
put dgst-spki "openssl dgst -sm3 -sign key.pem -sigopt distid:1234567812345678 message; openssl pkey -pubin -in public.pem -outform DER"
mv raw point
openssl pkeyutl -sign -in message -inkey key.pem -rawin -digest sm3 -out signature
put pkeyutl-rawin "openssl pkeyutl -sign -inkey key.pem -rawin -digest sm3 -in message"
openssl pkeyutl -sign -in message -inkey key.pem -rawin -digest sm3 -pkeyopt distid:1234567812345678 -out signature
put pkeyutl-distid "openssl pkeyutl -sign -inkey key.pem -rawin -digest sm3 -pkeyopt distid:1234567812345678 -in message"
openssl dgst -sm3 -binary -out digest message
openssl pkeyutl -sign -in digest -inkey key.pem -out signature
put pkeyutl-digest "openssl dgst -sm3 -binary message | openssl pkeyutl -sign -inkey key.pem" ", \"digest\": \"$(hex digest)\""

# A certificate and a request: what is signed is the first element of the SEQUENCE.
for what in req req-x509 req-x509-distid; do
  case $what in
  req) options="" more="" ;;
  req-x509) options="-x509" more="" ;;
  *) options="-x509" more="-sigopt distid:1234567812345678" ;;
  esac
  # shellcheck disable=SC2086
  openssl req $options -new -key key.pem -sm3 -subj "/CN=throwaway" -outform DER -out whole $more
  offset=$(openssl asn1parse -inform DER -in whole | sed -n 's/^ *\([0-9]*\):d=1 .*SEQUENCE.*/\1/p' | head -1)
  openssl asn1parse -inform DER -in whole -strparse "$offset" -noout -out message
  last=$(openssl asn1parse -inform DER -in whole | sed -n 's/^ *\([0-9]*\):d=1 .*BIT STRING.*/\1/p' | tail -1)
  openssl asn1parse -inform DER -in whole -strparse "$last" -noout -out signature
  put "$what" "openssl req${options:+ $options} -new -key key.pem -sm3${more:+ $more}" ", \"certificate\": \"$(hex whole)\""
done
