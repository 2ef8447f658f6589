#include "runtime/text/tokenizer/split.h"

#include "runtime/text/tokenizer/byte_alphabet.h"

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
  size_t kept = piece.begin, at = piece.begin, last = Dfa::kNone;
  for (size_t end; (end = dfa.find(within, at, last)) != Dfa::kNone; kept = at = last = end) {
    cutter.add(kept, at, step.invert());
    cutter.add(at, end, !step.invert());
  }
  cutter.add(kept, piece.end, step.invert());
}

// Rewrites pieces one by one into a new text, which has a head of its own.
class Rewriter {
 public:
  Rewriter(std::string& text, std::vector<Piece>& pieces, size_t& head, std::string& out) : text_(text), pieces_(pieces), head_(head), out_(out) {}

  // `rewrite(old piece, whether it is first, out)`.
  template <class Rewrite>
  void run(Rewrite rewrite) {
    out_.clear();
    size_t newHead = 0;
    for (Piece& piece : pieces_) {
      std::string_view old = std::string_view(text_).substr(piece.begin, piece.end - piece.begin);
      bool isFirst = piece.begin < head_;
      auto begin = static_cast<uint32_t>(out_.size());
      size_t firstEnd = rewrite(old, isFirst, out_);
      if (isFirst) newHead = firstEnd;
      piece = {begin, static_cast<uint32_t>(out_.size())};
    }
    head_ = newHead;
    text_.swap(out_);
  }

 private:
  std::string& text_;
  std::vector<Piece>& pieces_;
  size_t& head_;
  std::string& out_;
};

size_t prefixSpace(std::string_view old, std::string& out) {
  if (old[0] != ' ') out += ' ';
  out.append(old);
  return out.size() - old.size() + 1;
}

size_t spellBytes(std::string_view old, std::string& out) {
  for (char c : old) appendUtf8(kByteAlphabet[static_cast<unsigned char>(c)], out);
  return out.size();
}

size_t markSpaces(const plan::Split& step, std::string_view old, bool isFirst, std::string& out) {
  std::string_view mark = step.text()->string_view();
  bool prepend = step.prepend() == 2 || (step.prepend() == 1 && isFirst);
  if (prepend && old[0] != ' ' && old.substr(0, mark.size()) != mark) out.append(mark);
  size_t first = out.size() + 1;
  for (char c : old) {
    if (c == ' ') out.append(mark);
    else out += c;
  }
  return first;
}

}  // namespace

void split(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, size_t head, std::string& text, std::vector<Piece>& pieces,
           SplitScratch& scratch) {
  pieces.clear();
  if (text.empty()) return;
  pieces.push_back({0, static_cast<uint32_t>(text.size())});
  if (!tokenizer.splits()) return;
  for (const auto* step : *tokenizer.splits()) {
    Rewriter rewriter(text, pieces, head, scratch.text);
    switch (step->kind()) {
      case plan::SplitKind::prefix_space: rewriter.run([](std::string_view old, bool, std::string& out) { return prefixSpace(old, out); }); break;
      case plan::SplitKind::metaspace:
        rewriter.run([&](std::string_view old, bool isFirst, std::string& out) { return markSpaces(*step, old, isFirst, out); });
        break;
      case plan::SplitKind::byte_alphabet: rewriter.run([](std::string_view old, bool, std::string& out) { return spellBytes(old, out); }); break;
      case plan::SplitKind::split:
        scratch.pieces.clear();
        for (Piece piece : pieces) cut(dfas[static_cast<size_t>(step->dfa())], *step, text, piece, scratch.pieces);
        pieces.swap(scratch.pieces);
        break;
    }
  }
}

}  // namespace ingot::text
