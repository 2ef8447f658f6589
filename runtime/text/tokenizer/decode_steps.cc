#include "runtime/text/tokenizer/decode_steps.h"

#include <algorithm>

#include "runtime/text/tokenizer/byte_alphabet.h"

namespace ingot::text {
namespace {

using Kind = plan::DecodeKind;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string_view viewOf(const flatbuffers::String* text) { return text ? text->string_view() : std::string_view(); }

void replaceIn(std::string& text, std::string_view from, std::string_view to) {
  size_t at = from.empty() ? std::string::npos : text.find(from);
  if (at == std::string::npos) return;
  std::string result;
  size_t kept = 0;
  for (; at != std::string::npos; kept = at + from.size(), at = text.find(from, kept)) result.append(text, kept, at - kept).append(to);
  text = result.append(text, kept, std::string::npos);
}

// The reference's rules for spaces of English, in its order.
void cleanUp(std::string& text) {
  constexpr std::string_view kRules[][2] = {{" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
                                            {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (auto [from, to] : kRules) replaceIn(text, from, to);
}

// "<0x41>" -> 0x41, or -1. The digits are what Rust's u8::from_str_radix takes.
int byteOfToken(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return -1;
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  int high = token[3] == '+' ? 0 : digit(token[3]), low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string strippedOf(std::string_view token, std::string_view mark, uint32_t start, uint32_t stop) {
  for (; start > 0 && token.substr(0, mark.size()) == mark; --start) token.remove_prefix(mark.size());
  for (; stop > 0 && token.size() >= mark.size() && token.substr(token.size() - mark.size()) == mark; --stop) token.remove_suffix(mark.size());
  return std::string(token);
}

std::string replacedIn(const plan::Decode& step, const std::vector<Dfa>& dfas, std::string_view token) {
  std::string result;
  if (step.dfa() < 0) {
    result = token;
    replaceIn(result, viewOf(step.pattern()), viewOf(step.text()));
    return result;
  }
  const Dfa& dfa = dfas[static_cast<size_t>(step.dfa())];
  size_t kept = 0, at = 0, last = Dfa::kNone;
  for (size_t end; (end = dfa.find(token, at, last)) != Dfa::kNone; kept = at = last = end)
    result.append(token.substr(kept, at - kept)).append(viewOf(step.text()));
  return result.append(token.substr(kept));
}

// The bytes that a token spells in GPT-2's alphabet; its own where it spells none.
std::string spelt(std::string_view token) {
  std::string bytes;
  for (size_t at = 0; at < token.size();) {
    int byte = byteOfCharacter(decodeAt(token, at));
    if (byte < 0) return std::string(token);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

DecodeSteps::DecodeSteps(const flatbuffers::Vector<flatbuffers::Offset<plan::Decode>>* steps, const std::vector<Dfa>& dfas)
    : steps_(steps), dfas_(&dfas), states_(steps ? steps->size() : 0), joined_(states_.size()) {
  for (size_t i = states_.size(); i-- > 0;)
    if (step(i).kind() == Kind::bytes || step(i).kind() == Kind::fuse) joined_ = i + 1;
}

void DecodeSteps::pushTo(size_t i, std::string_view token, std::string& text) {
  if (i == states_.size()) return void(text.append(token));
  if (i >= joined_) return pushPart(i, token, text);
  auto& state = states_[i];
  switch (step(i).kind()) {
    case Kind::bytes: return addBytes(i, step(i).flag() ? token : spelt(token), false, text);
    case Kind::fuse: return pushTo(i + 1, token, text);
    case Kind::byte_fallback:
      if (int byte = byteOfToken(token); byte >= 0) return void(state.held += static_cast<char>(byte));
      endByteRun(i, text);
      return pushTo(i + 1, token, text);
    case Kind::suffix:
      // Only the last token loses its suffix without a space in its place.
      if (state.holds) whole(i, state.held, false, text);
      state.held = token;
      state.holds = true;
      return;
    default: whole(i, token, false, text); state.isFirst = false;
  }
}

void DecodeSteps::pushPart(size_t i, std::string_view part, std::string& text) {
  const plan::Decode& step = this->step(i);
  if (step.kind() == Kind::fuse) return pushTo(i + 1, part, text);
  if (step.kind() == Kind::strip && step.stop() == 0) return stripStart(i, part, text);
  if (step.kind() == Kind::metaspace) return markedPart(i, part, true, text);
  states_[i].held.append(part);
  states_[i].holds = true;
}

void DecodeSteps::flush(std::string& text) {
  for (size_t i = 0; i < states_.size(); ++i) flushStep(i, text);
}

void DecodeSteps::flushStep(size_t i, std::string& text) {
  auto& state = states_[i];
  if (i < joined_ && step(i).kind() == Kind::byte_fallback) return endByteRun(i, text);
  if (i < joined_ && step(i).kind() == Kind::bytes) return addBytes(i, {}, true, text);
  if (!std::exchange(state.holds, false)) return;
  std::string token = std::exchange(state.held, {});
  if (step(i).kind() == Kind::bytes) {
    addBytes(i, spelt(token), true, text);
  } else if (step(i).kind() == Kind::byte_fallback) {
    if (int byte = byteOfToken(token); byte >= 0) state.held = static_cast<char>(byte), endByteRun(i, text);
    else pushTo(i + 1, token, text);
  } else {
    whole(i, token, true, text);
  }
}

void DecodeSteps::whole(size_t i, std::string_view token, bool isLast, std::string& text) {
  const plan::Decode& step = this->step(i);
  auto& state = states_[i];
  std::string result(token);
  switch (step.kind()) {
    case Kind::strip: return pushTo(i + 1, strippedOf(token, viewOf(step.pattern()), step.start(), step.stop()), text);
    case Kind::replace: return pushTo(i + 1, replacedIn(step, *dfas_, token), text);
    case Kind::metaspace: return markedPart(i, token, state.isFirst, text);
    case Kind::suffix: replaceIn(result, viewOf(step.pattern()), isLast ? "" : " "); break;
    case Kind::join:
      if (!state.isFirst) result.insert(0, 1, ' ');
      break;
    case Kind::word_piece:
      if (!state.isFirst) {
        std::string_view prefix = viewOf(step.pattern());
        if (token.substr(0, prefix.size()) == prefix) result = token.substr(prefix.size());
        else result.insert(0, 1, ' ');
      }
      if (step.flag()) cleanUp(result);
      break;
    case Kind::ctc:
      if (!state.isFirst && state.last == token) return;
      state.last = token;
      replaceIn(result, viewOf(step.pattern()), "");
      if (step.flag()) cleanUp(result), replaceIn(result, viewOf(step.text()), " ");
      if (result.empty()) return;
      break;
    default: break;
  }
  pushTo(i + 1, result, text);
}

// All but an unfinished character at the end is certain.
void DecodeSteps::addBytes(size_t i, std::string_view bytes, bool isLast, std::string& text) {
  auto& held = states_[i].held;
  held.append(bytes);
  std::string_view rest = held;
  std::string certain;
  while (!rest.empty()) {
    size_t invalid;
    bool incomplete;
    size_t length = validSequence(rest, invalid, incomplete);
    if (length == 0 && incomplete && !isLast) break;
    certain.append(length ? rest.substr(0, length) : kReplacement);
    rest.remove_prefix(length ? length : invalid);
  }
  held.erase(0, held.size() - rest.size());
  if (!certain.empty()) pushTo(i + 1, certain, text);
}

// A run of byte tokens is text if all of it is valid; else every byte is U+FFFD, a token of its own.
void DecodeSteps::endByteRun(size_t i, std::string& text) {
  std::string run = std::exchange(states_[i].held, {});
  if (run.empty()) return;
  if (isValidUtf8(run)) return pushTo(i + 1, run, text);
  for (size_t byte = 0; byte < run.size(); ++byte) pushTo(i + 1, kReplacement, text);
}

void DecodeSteps::stripStart(size_t i, std::string_view part, std::string& text) {
  auto& state = states_[i];
  std::string_view mark = viewOf(step(i).pattern());
  while (state.isFirst && !part.empty()) {
    state.isFirst = part.substr(0, mark.size()) == mark && state.cut < step(i).start();
    if (!state.isFirst) break;
    ++state.cut;
    part.remove_prefix(mark.size());
  }
  if (!part.empty()) pushTo(i + 1, part, text);
}

void DecodeSteps::markedPart(size_t i, std::string_view token, bool isFirst, std::string& text) {
  std::string result(token);
  replaceIn(result, viewOf(step(i).pattern()), isFirst && step(i).flag() ? "" : " ");
  pushTo(i + 1, result, text);
}

}  // namespace ingot::text
