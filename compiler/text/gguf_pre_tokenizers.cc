#include "compiler/text/gguf_pre_tokenizers.h"

#include "compiler/text/components.h"

namespace ingot {
namespace {

const std::string kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
const std::string kPunctuation = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kLlama3 = kContractions + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" + kPunctuation;
const std::string kQwen2 = kContractions + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" + kPunctuation;
const std::string kQwen35 =
    kContractions + "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kUpper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]", kLower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const std::string kSlashed = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// Words by the case of their letters, as o200k cuts them.
std::string cased(const std::string& ending, const std::string& digits) {
  const std::string start = "[^\\r\\n\\p{L}\\p{N}]?";
  return start + kUpper + "*" + kLower + "+" + ending + "|" + start + kUpper + "+" + kLower + "*" + ending + "|" + digits + "|" + kSlashed;
}

const std::string kDeepseekWords =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
    "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
const std::string kKanjiKana = "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+";
const std::string kHanHangul = "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+";
// Letters of alphabets with case: Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee and so on.
const std::string kCasedLetters =
    "[A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}\\x{1c4}-\\x{293}\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}"
    "\\x{377}\\x{37b}-\\x{37d}\\x{37f}\\x{386}\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{52f}"
    "\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}"
    "-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{1f15}\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}\\x{1f59}"
    "\\x{1f5b}\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}\\x{1fc6}-\\x{1fcc}\\x{1fd0}-"
    "\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{1ff4}\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}"
    "-\\x{211d}\\x{2124}\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}\\x{2145}-\\x{2149}\\x{214e}\\x{2183}"
    "\\x{2184}\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-"
    "\\x{a76f}\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}\\x{ff21}-\\x{ff3a}\\x{ff41}-"
    "\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"
    "\\x{1e900}-\\x{1e943}]+";
const std::string kNoPunctuation = " ?[^(\\s|.,!?…。，、।۔،)]+";

TextJson regex(const std::string& pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}
TextJson gpt2() { return regex(kGpt2Pattern); }
TextJson digits(bool one) { return {{"type", "Digits"}, {"individual_digits", one}}; }

GgufPreTokenizer patterns(std::initializer_list<std::string> list) {
  GgufPreTokenizer result;
  for (const std::string& pattern : list) result.steps.push_back(regex(pattern));
  return result;
}
GgufPreTokenizer steps(std::initializer_list<TextJson> list) {
  GgufPreTokenizer result;
  for (const TextJson& step : list) result.steps.push_back(step);
  return result;
}

}  // namespace

Result<GgufPreTokenizer> ggufPreTokenizer(const std::string& name) {
  auto isOne = [&](std::initializer_list<const char*> names) {
    for (const char* one : names)
      if (name == one) return true;
    return false;
  };
  GgufPreTokenizer result;
  if (isOne({"gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "roberta-bpe", "jina-es", "jina-de", "jina-v1-en",
             "jina-v2-code", "gigachat", "a.x-4.0", "mellum", "modern-bert"}))
    result = steps({gpt2()});
  else if (isOne({"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "dbrx", "smaug-bpe", "chatglm-bpe",
                  "glm4"}))
    result = patterns({kLlama3});
  else if (isOne({"qwen2", "deepseek-r1-qwen", "kormo", "stablelm2", "hunyuan", "megrez", "grok-2"})) result = patterns({kQwen2});
  else if (isOne({"qwen35"})) result = patterns({kQwen35});
  else if (isOne({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})) result = steps({digits(true), gpt2()});
  else if (isOne({"deepseek-llm"}))
    result = patterns({"[\r\n]", "\\s?" + kCasedLetters, "\\s?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+",
                       "\\s+$", kHanHangul, "\\p{N}+"});
  else if (isOne({"deepseek-coder"})) result = patterns({"[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", kHanHangul, "\\p{N}"});
  else if (isOne({"deepseek-v3", "hunyuan-dense"})) result = patterns({"\\p{N}{1,3}", kKanjiKana, kDeepseekWords});
  else if (isOne({"falcon"})) result = steps({regex("[\\p{P}\\$\\+<=>\\^~\\|`]+"), gpt2(), regex("[0-9][0-9][0-9]")});
  else if (isOne({"default"})) result = steps({regex("[\\p{P}\\$\\+<=>\\^~\\|]+"), gpt2(), regex("\\p{N}+"), regex("[0-9][0-9][0-9]")});
  else if (isOne({"tekken"})) result = patterns({cased("", "\\p{N}")});
  else if (isOne({"gpt-4o", "llama4", "kanana2", "minimax-m2"})) result = patterns({cased("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "\\p{N}{1,3}")});
  else if (isOne({"poro-chat", "bloom", "gpt3-finnish"})) result = patterns({kNoPunctuation});
  else if (isOne({"viking"})) result = patterns({kNoPunctuation, "\\p{N}"});
  else if (isOne({"seed-coder"}))
    result = patterns({kContractions + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"});
  else if (isOne({"bailingmoe", "bailingmoe2", "llada-moe"}))
    result = patterns({"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"});
  else return Status::unsupported("tokenizer.ggml.pre: {} is not known; convert the checkpoint with its tokenizer.json instead", name);
  result.ignoreMerges = isOne({"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "tekken"});
  if (isOne({"qwen2", "deepseek-r1-qwen"})) result.normalizer = {{"type", "NFC"}};
  result.steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  return result;
}

}  // namespace ingot
