// Malformed vocabularies: an error with the place and the reason, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

using testing::HasSubstr;

std::string errorOf(const std::string& json) {
  auto parsed = parseTextJson(json, "t.json");
  if (!parsed.ok()) return parsed.status().message();
  auto tables = readTokenizerJson(*parsed, "t.json", [](const std::string&) {});
  if (!tables.ok()) return tables.status().message();
  auto bytes = tables->serialize();
  return bytes.ok() ? "" : "t.json: " + bytes.status().message();
}

std::string withModel(const std::string& model, const std::string& rest = "") { return "{\"model\":" + model + rest + "}"; }
const std::string kModel = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})";

struct Refusal {
  const char* name;
  std::string json, message;
};

class Refused : public testing::TestWithParam<Refusal> {};
TEST_P(Refused, NamesThePlace) {
  std::string error = errorOf(GetParam().json);
  EXPECT_THAT(error, HasSubstr("t.json"));
  EXPECT_THAT(error, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Vocabularies, Refused,
    testing::Values(
        Refusal{"syntax", "{\"model\": {", "at byte"}, Refusal{"duplicateKey", "{\"model\":{\"vocab\":{\"a\":0,\"a\":1}}}", "\"a\" stands twice"},
        Refusal{"deep", std::string(200, '['), "nests deeper"}, Refusal{"noModel", "{}", "model"}, Refusal{"list", "[]", "is not an object"},
        Refusal{"modelType", withModel(R"({"type":"Quantum"})"), "type Quantum"},
        Refusal{"negativeId", withModel(R"({"type":"BPE","vocab":{"a":-1},"merges":[]})"), "id of \"a\" is -1"},
        Refusal{"hugeId", withModel(R"({"type":"BPE","vocab":{"a":99999999999},"merges":[]})"), "99999999999"},
        Refusal{"sameId", withModel(R"({"type":"BPE","vocab":{"a":3,"b":3},"merges":[]})"), "id 3 is both"},
        Refusal{"unknownMerge", withModel(R"({"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]})"), "merges[0]: \"ab\" is not in the vocabulary"},
        Refusal{"mergeShape", withModel(R"({"type":"BPE","vocab":{"a":0},"merges":["a"]})"), "merges[0]"},
        Refusal{"dropout", withModel(R"({"type":"BPE","dropout":0.1,"vocab":{},"merges":[]})"), "dropout"},
        Refusal{"unkToken", withModel(R"({"type":"WordLevel","vocab":{"a":0},"unk_token":"u"})"), "unk_token"},
        Refusal{"unigramEntry", withModel(R"({"type":"Unigram","unk_id":0,"vocab":[["a"]]})"), "vocab[0]"},
        Refusal{"unigramUnk", withModel(R"({"type":"Unigram","unk_id":7,"vocab":[["a",0.0]]})"), "unk_id is 7"},
        Refusal{"normalizer", withModel(kModel, R"(,"normalizer":{"type":"Rot13"})"), "normalizer Rot13"},
        Refusal{"preTokenizer", withModel(kModel, R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Odd"}]})"), "pre_tokenizer Odd"},
        Refusal{"pattern",
                withModel(kModel, R"(,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated","invert":false})"),
                "(?<=a)b"},
        Refusal{"charsmap", withModel(kModel, R"(,"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAEC"})"), "precompiled_charsmap"},
        Refusal{"decoder", withModel(kModel, R"(,"decoder":{"type":"Backwards"})"), "decoder Backwards"},
        Refusal{
            "templateId",
            withModel(
                kModel,
                R"(,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[77],"tokens":["<s>"]}}})"),
            "77"},
        Refusal{"emptyNormalForm", withModel(kModel, R"(,"normalizer":{"type":"Strip"},"added_tokens":[{"id":3,"content":"\n","normalized":true}])"),
                "is empty in normal form"},
        Refusal{"wrongType", withModel(kModel, R"(,"added_tokens":[{"id":"x","content":"y"}])"), "id: is \"x\""}),
    [](const auto& info) { return info.param.name; });

TEST(Vocabulary, ACycleOfMergesEnds) {
  // Every merge makes a token of the ones before; a token may be made of itself and nothing: that is not a pair.
  EXPECT_EQ(errorOf(withModel(R"({"type":"BPE","vocab":{"a":0,"aa":1,"aaa":2},"merges":["aa a","a aa","a a"]})")), "");
}

}  // namespace
}  // namespace ingot
