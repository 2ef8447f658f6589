#include "runtime/text/tokenizer/split.h"

namespace ingot::text {
namespace {

using plan::Behaviour;

// Collects matches and the gaps between them, and joins them as the behaviour says.
class Cutter {
 public:
  Cutter(Behaviour behaviour, std::vector<Piece>& out) : behaviour_(behaviour), first_(out.size()), out_(out) {}

  void add(size_t begin, size_t end, bool isMatch) {
    if (begin == end) return;
    Piece piece{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    bool hasPrevious = out_.size() > first_;
    switch (behaviour_) {
      case Behaviour::removed:
        if (!isMatch) out_.push_back(piece);
        break;
      case Behaviour::isolated: out_.push_back(piece); break;
      case Behaviour::merged_with_previous:
        if (isMatch && hasPrevious && !previousMatch_) out_.back().end = piece.end;
        else out_.push_back(piece);
        break;
      case Behaviour::merged_with_next:
        if (!isMatch && hasPrevious && previousMatch_) out_.back().end = piece.end;
        else out_.push_back(piece);
        break;
      case Behaviour::contiguous:
        if (hasPrevious && previousMatch_ == isMatch) out_.back().end = piece.end;
        else out_.push_back(piece);
        break;
    }
    previousMatch_ = isMatch;
  }

 private:
  Behaviour behaviour_;
  size_t first_;
  std::vector<Piece>& out_;
  bool previousMatch_ = false;
};

void cut(const Dfa& dfa, const plan::Split& step, std::string_view text, Piece piece, std::vector<Piece>& out) {
  Cutter cutter(step.behaviour(), out);
  std::string_view within = text.substr(0, piece.end);
  size_t kept = piece.begin;
  for (size_t at = piece.begin; at < piece.end;) {
    size_t end = dfa.match(within, at);
    if (end == std::string_view::npos || end == at) {
      decodeAt(within, at);
      continue;
    }
    cutter.add(kept, at, step.invert());
    cutter.add(at, end, !step.invert());
    kept = at = end;
  }
  cutter.add(kept, piece.end, step.invert());
}

// Rewrites every piece by `rewrite(piece text, piece index, out)`.
template <class Rewrite>
void rewritePieces(std::string& text, std::vector<Piece>& pieces, std::string& out, Rewrite rewrite) {
  out.clear();
  for (size_t i = 0; i < pieces.size(); ++i) {
    std::string_view old = std::string_view(text).substr(pieces[i].begin, pieces[i].end - pieces[i].begin);
    auto begin = static_cast<uint32_t>(out.size());
    rewrite(old, i, out);
    pieces[i] = {begin, static_cast<uint32_t>(out.size())};
  }
  text.swap(out);
}

void prefixSpaces(std::string& text, std::vector<Piece>& pieces, std::string& out) {
  rewritePieces(text, pieces, out, [](std::string_view old, size_t, std::string& to) {
    size_t at = 0;
    if (!isSpace(decodeAt(old, at))) to += ' ';
    to.append(old);
  });
}

void metaspace(const plan::Split& step, bool isStart, std::string& text, std::vector<Piece>& pieces, std::string& out) {
  std::string_view mark = step.text()->string_view();
  rewritePieces(text, pieces, out, [&](std::string_view old, size_t i, std::string& to) {
    bool prepend = step.prepend() == 2 || (step.prepend() == 1 && isStart && i == 0);
    if (prepend && old[0] != ' ' && old.substr(0, mark.size()) != mark) to.append(mark);
    for (char c : old) {
      if (c == ' ') to.append(mark);
      else to += c;
    }
  });
}

}  // namespace

void split(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, bool isStart, std::string& text, std::vector<Piece>& pieces,
           SplitScratch& scratch) {
  pieces.clear();
  if (text.empty()) return;
  pieces.push_back({0, static_cast<uint32_t>(text.size())});
  if (!tokenizer.splits()) return;
  for (const auto* step : *tokenizer.splits()) {
    if (step->kind() == plan::SplitKind::prefix_space) {
      prefixSpaces(text, pieces, scratch.text);
    } else if (step->kind() == plan::SplitKind::metaspace) {
      metaspace(*step, isStart, text, pieces, scratch.text);
    } else {
      scratch.pieces.clear();
      for (Piece piece : pieces) cut(dfas[static_cast<size_t>(step->dfa())], *step, text, piece, scratch.pieces);
      pieces.swap(scratch.pieces);
    }
  }
}

}  // namespace ingot::text
