#include "runtime/format/sha256.h"

// The one-purpose calls keep libcrypto's provider machinery out of the runtime: kilobytes instead of megabytes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <new>

namespace ingot {

static_assert(sizeof(SHA256_CTX) <= 128);

Sha256Stream::Sha256Stream() { SHA256_Init(new (state_.data()) SHA256_CTX); }

void Sha256Stream::add(std::span<const std::byte> bytes) { SHA256_Update(reinterpret_cast<SHA256_CTX*>(state_.data()), bytes.data(), bytes.size()); }

Sha256 Sha256Stream::finish() {
  Sha256 digest;
  SHA256_Final(digest.data(), reinterpret_cast<SHA256_CTX*>(state_.data()));
  return digest;
}

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256Stream stream;
  stream.add(bytes);
  return stream.finish();
}

std::string toHex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace ingot
