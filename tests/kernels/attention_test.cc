// rope_append and attention over paged keys and values against plain loops: groups of heads, windows, page boundaries,
// spans and splits of GPUs, query blocks, cache types; and the same bits for a prompt whole, in chunks, or token by token.
#include "tests/kernels/attention_model.h"

namespace ingot::test {
namespace {

using namespace attention;

class Attention : public ::testing::TestWithParam<std::string> {
 protected:
  // `host`, where there is one, has the same kernels for this machine.
  void check(Random& random, const Case& c, const KernelLibrary& library, const KernelLibrary* host, size_t first) {
    Model model(random, c, library.at(first), library.at(first + 1), hasFragments(c, GetParam()));
    const std::vector<int64_t> lengths = {15, 16, 17, 33, 1};
    std::vector<Sequence> made;
    for (int64_t length : lengths) made.push_back(model.makeSequence(random, length));
    std::vector<Sequence*> all;
    for (Sequence& s : made) all.push_back(&s);
    std::vector<int64_t> done(all.size(), 0);
    std::vector<std::vector<float>> whole(all.size());
    model.step(all, lengths, done, whole);
    for (size_t i = 0; i < all.size(); ++i) model.expectClose(*all[i], whole[i]);
    model.expectOthersUntouched(all);

    if (host) {
      std::vector<std::vector<float>> here(all.size());
      std::fill(done.begin(), done.end(), 0);
      model.use(host->at(first), host->at(first + 1));
      model.step(all, lengths, done, here);
      model.use(library.at(first), library.at(first + 1));
      EXPECT_TRUE(here == whole) << "other bits than on this machine";
    }

    // Random chunks, every sequence at its own pace, blocks of another size: the same bits. Before that token by token, but for emulated
    // CUDA, which takes a minute for it: there chunks of one token, and the ends of long sequences, do.
    for (int round = GetParam() == "cuda-emulated" ? 1 : 0; round < 2; ++round) {
      std::vector<std::vector<float>> parts(all.size());
      std::fill(done.begin(), done.end(), 0);
      while (done != lengths) {
        std::vector<int64_t> counts;
        for (size_t i = 0; i < all.size(); ++i) counts.push_back(std::min(lengths[i] - done[i], round ? random.integer(0, 9) : 1));
        model.step(all, counts, done, parts, round ? 5 : kQueryBlock);
      }
      for (size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ(std::memcmp(parts[i].data(), whole[i].data(), whole[i].size() * 4), 0) << (round ? "chunks of " : "tokens of ") << lengths[i];
    }
  }
};

// Sequences that straddle the edges of spans (64 tokens) and splits (256): whole, then their ends token by token, split and not.
TEST_P(Attention, LongSequencesAreSplitAndKeepTheirBits) {
  if (!canRun(GetParam()) || isEmulated(GetParam())) GTEST_SKIP() << "takes too long for an emulator of " << GetParam();
  const Case kLong[] = {{4, 2, 16, 16, false, "f16", 0, 0},         {2, 2, 32, 0, false, "f32", 0, 0},
                        {3, 1, 16, 0, false, "bf16", 300, 4},       {4, 2, 32, 32, false, "i8", 0, 0},
                        {3, 3, 32, 0, false, "f16", 0, 0, 0, true}, {12, 1, 16, 0, false, "bf16", 300, 0, 0, true}};
  const std::vector<int64_t> kLengths = {64, 65, 255, 256, 257, 513, 1025};
  Random random(6);
  std::vector<KernelText> texts;
  for (const Case& c : kLong)
    for (KernelText& text : textsOf(c)) texts.push_back(std::move(text));
  auto library = KernelLibrary::build(texts, GetParam());
  ASSERT_TRUE(library.ok()) << library.status().message();
  for (size_t i = 0; i < std::size(kLong); ++i) {
    SCOPED_TRACE(texts[2 * i + 1].constants);
    Model model(random, kLong[i], (*library)->at(2 * i), (*library)->at(2 * i + 1), hasFragments(kLong[i], GetParam()));
    std::vector<Sequence> made;
    for (int64_t length : kLengths) made.push_back(model.makeSequence(random, length));
    std::vector<Sequence*> all;
    for (Sequence& s : made) all.push_back(&s);
    std::vector<std::vector<float>> whole(all.size());
    for (size_t s = 0; s < all.size(); ++s) {
      std::vector<int64_t> done = {0};
      std::vector<std::vector<float>> output(1);
      model.step({all[s]}, {kLengths[s]}, done, output);
      whole[s] = output[0];
      model.expectClose(*all[s], whole[s]);
    }
    // The last three tokens one by one, side by side; with room for all partials, for some, for none.
    for (int partials : {32, 7, 0}) {
      std::vector<int64_t> done;
      for (int64_t length : kLengths) done.push_back(length - 3);
      std::vector<std::vector<float>> ends(all.size());
      for (int token = 0; token < 3; ++token) model.step(all, std::vector<int64_t>(all.size(), 1), done, ends, kQueryBlock, partials);
      for (size_t s = 0; s < all.size(); ++s)
        EXPECT_EQ(std::memcmp(ends[s].data(), &*(whole[s].end() - static_cast<std::ptrdiff_t>(ends[s].size())), ends[s].size() * 4), 0)
            << kLengths[s] << " tokens, " << partials << " partials";
    }
  }
}

// The last two tokens of sequences whose others came in one step, side by side and by themselves; those of few tokens and of several splits too.
TEST(AttentionApart, OneKernelDoesBoth) {
  std::vector<Case> cases = {kCases[1], kCases[3], kCases[4], kCases[9], kCases[12], kCases[15]};
  cases.push_back({6, 2, 32, 16, true, "f16", 300, 0, 32});
  cases.push_back({12, 1, 32, 0, false, "f16", 300, 0, 0, true});
  std::vector<KernelText> texts;
  for (const Case& c : cases) {
    for (KernelText& text : textsOf(c)) texts.push_back(std::move(text));
    texts.push_back(aloneTextOf(c));
  }
  auto library = KernelLibrary::build(texts, "cuda-emulated");
  ASSERT_TRUE(library.ok()) << library.status().message();
  Random random(7);
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(texts[3 * i + 2].constants);
    Model model(random, cases[i], (*library)->at(3 * i), (*library)->at(3 * i + 1), hasFragments(cases[i], "cuda-emulated"));
    std::vector<int64_t> lengths = {1, 2, 17, 66};
    if (cases[i].window >= 300) lengths.push_back(600);
    std::vector<Sequence> made;
    for (int64_t length : lengths) made.push_back(model.makeSequence(random, length));
    std::vector<Sequence*> all;
    std::vector<int64_t> before, beside;  // a sequence of one token has that by itself
    for (Sequence& s : made) {
      all.push_back(&s);
      before.push_back(std::max<int64_t>(s.tokens - 2, 0));
      beside.push_back(s.tokens > 1);
    }
    std::vector<std::vector<float>> expected(all.size()), given(all.size());
    for (auto [kernel, outputs] : {std::pair{static_cast<const Kernel*>(nullptr), &expected}, {&(*library)->at(3 * i + 2), &given}}) {
      std::vector<int64_t> done(all.size(), 0);
      model.forgetTokens();
      model.useApart(kernel);
      model.step(all, before, done, *outputs);
      model.step(all, beside, done, *outputs);
      for (size_t s = 0; s < all.size(); ++s) {
        std::vector<int64_t> own = {done[s]};
        std::vector<std::vector<float>> output(1);
        model.step({all[s]}, {1}, own, output);
        (*outputs)[s].insert((*outputs)[s].end(), output[0].begin(), output[0].end());
      }
      model.expectOthersUntouched(all);
    }
    for (size_t s = 0; s < all.size(); ++s)
      EXPECT_EQ(std::memcmp(given[s].data(), expected[s].data(), expected[s].size() * 4), 0) << lengths[s] << " tokens";
  }
}

// Prompts of many sizes in one batch, which begin within pages, spans and splits, beside sequences that decode; and the same tokens in batches of
// few.
TEST(AttentionPrompt, StepsOfManyTokensKeepTheBits) {
  const Case kPrompts[] = {{1, 1, 64, 64, false, "f16", 0, 0},           {4, 2, 64, 0, false, "bf16", 0, 3},
                           {4, 1, 128, 128, false, "f16", 0, 0},         {8, 1, 64, 0, false, "f16", 90, 0},
                           {3, 1, 64, 0, false, "f16", 300, 0, 0, true}, {6, 1, 64, 0, true, "f16", 5, 0},
                           {2, 1, 128, 0, false, "bf16", 20, 0, 128}};
  const std::vector<int64_t> kLengths = {599, 1, 2, 17, 64, 161, 300, 130}, kBefore = {390, 0, 0, 3, 0, 100, 299, 95};
  std::vector<KernelText> texts;
  for (const Case& c : kPrompts)
    for (KernelText& text : textsOf(c)) texts.push_back(std::move(text));
  auto library = KernelLibrary::build(texts, "cuda-emulated");
  ASSERT_TRUE(library.ok()) << library.status().message();
  ASSERT_EQ((*library)->larger().size(), std::size(kPrompts));
  Random random(8);
  for (size_t i = 0; i < std::size(kPrompts); ++i) {
    SCOPED_TRACE(texts[2 * i + 1].constants);
    Model model(random, kPrompts[i], (*library)->at(2 * i), (*library)->at(2 * i + 1), hasFragments(kPrompts[i], "cuda-emulated"));
    model.usePrompts((*library)->larger().find(2 * i + 1)->second);
    std::vector<Sequence> made;
    for (int64_t length : kLengths) made.push_back(model.makeSequence(random, length));
    std::vector<Sequence*> all;
    for (Sequence& s : made) all.push_back(&s);
    // The next tokens up to `until`, at most so many of each sequence in a step.
    auto advance = [&](const std::vector<int64_t>& until, int64_t most, std::vector<int64_t>& done, std::vector<std::vector<float>>& outputs) {
      while (done != until) {
        std::vector<int64_t> counts;
        for (size_t s = 0; s < all.size(); ++s) counts.push_back(std::min(until[s] - done[s], most));
        model.step(all, counts, done, outputs);
      }
    };
    std::vector<std::vector<float>> before(all.size()), many(all.size()), few(all.size());
    std::vector<int64_t> done(all.size(), 0);
    advance(kBefore, 30, done, before);
    for (const std::vector<float>& rows : before)
      for (float x : rows) ASSERT_TRUE(std::isfinite(x)) << "a value that nobody wrote is no number, and counts";
    advance(kLengths, kMaxTokens, done, many);
    model.expectOthersUntouched(all);
    done = kBefore;
    advance(kLengths, 30, done, few);
    for (size_t s = 0; s < all.size(); ++s) {
      ASSERT_EQ(many[s].size(), few[s].size());
      EXPECT_EQ(std::memcmp(many[s].data(), few[s].data(), few[s].size() * 4), 0) << kLengths[s] << " tokens, " << kBefore[s] << " before";
    }
  }
}

TEST_P(Attention, MatchesPlainLoopsAndKeepsItsBits) {
  if (!canRun(GetParam())) GTEST_SKIP() << "neither this machine nor an installed emulator runs " << GetParam();
  Random random(5);
  std::vector<Case> cases(std::begin(kCases), std::end(kCases));
  if (isEmulated(GetParam())) cases = GetParam() == "aarch64" ? std::vector{kCases[1], kCases[4], kCases[7], kCases[14]} : std::vector{kCases[9]};
  if (GetParam() == "cuda-emulated")
    cases = {kCases[1], kCases[2], kCases[4], kCases[5], kCases[7], kCases[9], kCases[10], kCases[11], kCases[14], kCases[15], kCases[16]};
  if (!isEmulated(GetParam()) || GetParam() == "aarch64") cases.insert(cases.end(), std::begin(kAlibiCases), std::end(kAlibiCases));
  std::vector<KernelText> texts;
  for (const Case& c : cases)
    for (KernelText& text : textsOf(c)) texts.push_back(std::move(text));
  auto library = KernelLibrary::build(texts, GetParam());
  ASSERT_TRUE(library.ok()) << library.status().message();
  auto host = isEmulated(GetParam()) ? buildForHost(texts) : nullptr;
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(texts[2 * i + 1].constants);
    check(random, cases[i], **library, host.get(), 2 * i);
  }
}

INGOT_FOR_EACH_TARGET(Attention);

}  // namespace
}  // namespace ingot::test
