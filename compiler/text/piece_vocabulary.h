// Vocabularies of scored pieces, as SentencePiece makes them and GGUF copies them -> tables.
#pragma once

#include "compiler/text/tables.h"

namespace ingot {

// Numbers of SentencePiece's ModelProto.SentencePiece.Type, which are llama.cpp's too.
enum class PieceType { normal = 1, unknown = 2, control = 3, userDefined = 4, unused = 5, byte = 6 };

struct PieceVocabulary {
  std::vector<std::string> pieces;
  std::vector<double> scores;
  std::vector<PieceType> types;
  bool isUnigram = false;        // else BPE by score
  bool mergesNothing = false;    // every character is a piece
  bool addPrefix = true;         // a space before the text
  bool prefixOnlyFirst = false;  // not after special tokens
  bool singleSpaces = false;     // remove_extra_whitespaces
  bool freezesUser = false;      // pieces of the user as the sentencepiece library has them; else they are found in the text as given
  std::string characterMap;      // precompiled_charsmap
  std::vector<int32_t> prefixIds, suffixIds;
};

Result<TokenizerTables> tablesOfPieces(const PieceVocabulary& vocabulary);

// Merges of every pair of tokens whose joined bytes are a token, in the order of `rankedIds`; neighbours that `tied` names
// share their rank.
std::vector<MergeEntry> mergesOfTokens(const std::vector<std::string>& tokens, const std::vector<int32_t>& rankedIds,
                                       const std::function<bool(int32_t before, int32_t id)>& tied);

}  // namespace ingot
