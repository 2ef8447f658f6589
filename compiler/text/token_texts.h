// What tokens are to the decoder of the runtime.
#pragma once

#include "compiler/text/tables.h"

namespace ingot {

// First steps of a decoder that look at one token alone are done here, once. Views the tables.
class TokenTexts {
 public:
  explicit TokenTexts(const TokenizerTables& tables);

  // The text, or bytes, that a token of this spelling gives the first step that is left.
  std::string of(std::string spelling) const;
  size_t stepsDone() const { return done_; }
  // The first step that is left is the byte-level one, and `of` gave it the bytes.
  bool areBytes() const { return areBytes_; }

 private:
  const TokenizerTables& tables_;
  size_t done_ = 0;
  bool areBytes_;
};

}  // namespace ingot
