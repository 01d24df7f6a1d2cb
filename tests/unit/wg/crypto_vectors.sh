#!/bin/bash
# crypto_vectors.h is what make_crypto_vectors.py computes.
cd "$(dirname "$0")" || exit 1
command -v python3 >/dev/null || { echo "SKIPPED: needs python3"; exit 77; }
diff <(python3 make_crypto_vectors.py) crypto_vectors.h >/dev/null || {
  echo "crypto_vectors.h differs: run python3 make_crypto_vectors.py >crypto_vectors.h"
  exit 1
}
