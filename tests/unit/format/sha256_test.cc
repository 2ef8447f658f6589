#include "runtime/format/sha256.h"

#include <gtest/gtest.h>

namespace ingot {
namespace {

std::string hashOf(std::string_view text) { return toHex(sha256(std::as_bytes(std::span(text)))); }

// FIPS 180-4's examples.
TEST(Sha256, GivesTheKnownAnswers) {
  EXPECT_EQ(hashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hashOf(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeTheWhole) {
  std::string text(1000, 'x');
  for (size_t cut : {0u, 1u, 63u, 64u, 65u, 999u}) {
    Sha256Stream stream;
    stream.add(std::as_bytes(std::span(text).first(cut)));
    stream.add(std::as_bytes(std::span(text).subspan(cut)));
    EXPECT_EQ(toHex(stream.finish()), hashOf(text));
  }
}

}  // namespace
}  // namespace ingot
