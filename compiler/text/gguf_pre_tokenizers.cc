#include "compiler/text/gguf_pre_tokenizers.h"

#include <map>

namespace ingot {
namespace {

const std::string kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
const std::string kPunctuation = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kLlama3 = kContractions + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" + kPunctuation;
const std::string kQwen2 = kContractions + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" + kPunctuation;
const std::string kQwen35 = kContractions + "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const std::string kUpper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]", kLower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const std::string kSlashed = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// Words by the case of their letters, as o200k cuts them.
std::string cased(const std::string& ending, const std::string& digits) {
  const std::string start = "[^\\r\\n\\p{L}\\p{N}]?";
  return start + kUpper + "*" + kLower + "+" + ending + "|" + start + kUpper + "+" + kLower + "*" + ending + "|" + digits + "|" + kSlashed;
}

const std::string kDeepseekWords =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
const std::string kKanjiKana = "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+";
const std::string kHanHangul = "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+";
// Letters of alphabets with case: Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee and so on.
const std::string kCasedLetters = "[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const std::string kNoPunctuation = " ?[^(\\s|.,!?…。，、।۔،)]+";

TextJson regex(const std::string& pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}
TextJson gpt2() { return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}; }
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
  if (isOne({"gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "roberta-bpe", "jina-es", "jina-de", "jina-v1-en", "jina-v2-code", "gigachat", "a.x-4.0", "mellum", "modern-bert"}))
    result = steps({gpt2()});
  else if (isOne({"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}))
    result = patterns({kLlama3});
  else if (isOne({"qwen2", "deepseek-r1-qwen", "kormo", "stablelm2", "hunyuan", "megrez", "grok-2"})) result = patterns({kQwen2});
  else if (isOne({"qwen35"})) result = patterns({kQwen35});
  else if (isOne({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})) result = steps({digits(true), gpt2()});
  else if (isOne({"deepseek-llm"}))
    result = patterns({"[\r\n]", "\\s?" + kCasedLetters, "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$", kHanHangul, "\\p{N}+"});
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
  if (isOne({"qwen2", "deepseek-r1-qwen", "qwen35"})) result.normalizer = {{"type", "NFC"}};
  result.steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
  return result;
}

}  // namespace ingot
