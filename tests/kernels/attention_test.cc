// rope_append and attention over paged keys and values against plain loops: groups of heads, windows, page boundaries,
// spans and splits of GPUs, query blocks, cache types; and the same bits for a prompt whole, in chunks, or token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/layout.h"
#include "kernels/linear/layout.h"
#include "kernels/ref/attention.h"
#include "kernels/ref/norm.h"
#include "kernels/ref/rope.h"
#include "runtime/base/dtype.h"
#include "runtime/exec/batch.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

struct Case {
  int64_t heads, kvHeads, headDim, rotary;
  bool headNorm;
  const char* cache;
  int64_t window;
  double softcap;
  int64_t resultGroup = 0;  // 0: f32 rows
  bool alibi = false;
};
const Case kCases[] = {
    {1, 1, 16, 16, false, "f32", 0, 0}, {4, 2, 32, 32, true, "f16", 0, 0},        {6, 2, 16, 8, false, "bf16", 5, 0},
    {4, 4, 64, 0, false, "f32", 16, 0}, {8, 1, 48, 48, false, "f32", 17, 3},      {2, 1, 128, 64, true, "f16", 15, 0},
    {9, 3, 64, 64, false, "f16", 0, 0}, {3, 3, 80, 32, false, "bf16", 0, 0},      {6, 2, 64, 64, false, "f16", 0, 0, 32},
    {8, 2, 64, 64, false, "f8", 0, 0},  {4, 4, 48, 48, true, "f8", 17, 0},        {12, 1, 32, 32, false, "f32", 20, 0, 16},
    {18, 1, 16, 0, false, "f16", 0, 2}, {2, 2, 192, 16, false, "bf16", 0, 0, 32}, {6, 2, 64, 64, true, "i8", 0, 0, 32},
    {2, 2, 80, 16, false, "i8", 17, 3}, {2, 1, 256, 0, false, "f8", 0, 0},
};
const Case kAlibiCases[] = {
    {6, 6, 32, 0, false, "f16", 0, 0, 0, true}, {12, 1, 16, 0, false, "f32", 20, 3, 0, true}, {6, 2, 80, 16, true, "i8", 0, 0, 16, true}};
constexpr double kScale = 0.2;
constexpr int kPages = 160, kMaxTokens = 1040, kMaxPages = kMaxTokens / 16;
constexpr int kLayers = 3, kLayer = 1;  // of the pool; the others stay poison

std::string headConstants(const Case& c) {
  return fmt::format("layers = {} : i64, heads = {} : i64, kv_heads = {} : i64, head_dim = {} : i64, cache = \"{}\"", kLayers, c.heads, c.kvHeads,
                     c.headDim, c.cache);
}

std::vector<KernelText> textsOf(const Case& c) {
  return {{"rope_append", fmt::format("{}, rotary = {} : i64, head_norm = {}, eps = 1.0e-6 : f64", headConstants(c), c.rotary, c.headNorm), ""},
          {"attention",
           fmt::format("{}, scale = {} : f64, window = {} : i64, softcap = {:.1f} : f64, result_group = {} : i64{}", headConstants(c), kScale,
                       c.window, c.softcap, c.resultGroup, c.alibi ? ", alibi" : ""),
           ""}};
}
// Both in one, for a batch of one token.
KernelText aloneTextOf(const Case& c) {
  std::vector<KernelText> both = textsOf(c);
  return {"attention", fmt::format("{}, before = {{{}}}", both[1].constants, both[0].constants), ""};
}

// An element of the cache: its bytes, how it is read, what tensor cores make of a query or weight, half a step of that, half a step of
// the element relative to the value, half its smallest step, where that is no small number, and half a step relative to the largest
// value of its head.
struct CacheElement {
  size_t bytes;
  float (*read)(const unsigned char*);
  float (*narrowed)(float);
  double halfNarrowed, halfStep, halfLeast = 0, halfCode = 0;
};
template <class T>
T bitsAt(const unsigned char* from) {
  T bits;
  std::memcpy(&bits, from, sizeof(T));
  return bits;
}
CacheElement elementOf(const Case& c) {
  auto half = [](float x) { return f16ToFloat(floatToF16(x)); };
  static const std::map<std::string_view, CacheElement> kElements = {
      {"f32", {4, bitsAt<float>, [](float x) { return x; }, 0x1p-24, 0x1p-24}},
      {"f16", {2, [](const unsigned char* at) { return f16ToFloat(bitsAt<uint16_t>(at)); }, half, 0x1p-11, 0x1p-11}},
      {"bf16",
       {2, [](const unsigned char* at) { return bf16ToFloat(bitsAt<uint16_t>(at)); }, [](float x) { return bf16ToFloat(floatToBf16(x)); }, 0x1p-8,
        0x1p-8}},
      {"f8", {1, [](const unsigned char* at) { return f8ToFloat(*at); }, half, 0x1p-11, 0x1p-4, 0x1p-10}},
      {"i8", {1, [](const unsigned char* at) { return static_cast<float>(bitsAt<signed char>(at)); }, half, 0x1p-11, 0, 0, 0.5 / 127}},
  };
  return kElements.at(c.cache);
}
CacheType cacheTypeOf(const Case& c) {
  static const std::map<std::string_view, CacheType> kTypes = {
      {"f32", CacheType::f32}, {"f16", CacheType::f16}, {"bf16", CacheType::bf16}, {"f8", CacheType::f8}, {"i8", CacheType::i8}};
  return kTypes.at(c.cache);
}

// Whether keys and values lie as fragments of tensor cores.
bool hasFragments(const Case& c, const std::string& target) { return target == "cuda-emulated" && cacheTypeOf(c) != CacheType::f32; }

// One sequence: its qkv rows, what plain loops make of them, and the queries that rope_append made.
struct Sequence {
  int64_t tokens;
  std::vector<float> qkv;  // [tokens, (heads + 2 kvHeads) * headDim]
  std::vector<double> q, keys, values;
  std::vector<float> queries;
  std::vector<int32_t> pages;
};

class Model {
 public:
  Model(Random& random, const Case& c, const Kernel& append, const Kernel& attend, bool fragments)
      : c_(c),
        fragments_(fragments),
        append_(&append),
        attend_(&attend),
        row_((c.heads + 2 * c.kvHeads) * c.headDim),
        table_(normals(random, kMaxTokens * c.rotary)),
        qNorm_(normals(random, c.headDim)),
        kNorm_(normals(random, c.headDim)),
        elementBytes_(elementOf(c).bytes),
        half_(static_cast<size_t>(layerElements(cacheTypeOf(c), static_cast<int>(c.kvHeads), static_cast<int>(c.headDim))) * elementBytes_),
        pool_(kPages * kLayers * 2 * half_),
        partials_(static_cast<size_t>(kPartials *
                                      attentionPartialBytes(static_cast<int>(c.heads), static_cast<int>(c.kvHeads), static_cast<int>(c.headDim)))) {
    std::memset(partials_.data(), 0, partials_.bytes());
    for (int page = 0; page < kPages; ++page) freePages_.push_back(page);
    std::shuffle(freePages_.begin(), freePages_.end(), random.engine());
  }

  void use(const Kernel& append, const Kernel& attend) { append_ = &append, attend_ = &attend; }
  // Of steps of one token, both kernels in one; null: they have two as others do.
  void useAlone(const Kernel* alone) { alone_ = alone; }
  // Of the step beside attention's, where batches have many tokens.
  void usePrompts(const Kernel& prompts) { prompts_ = &prompts; }
  void forgetTokens() { pool_.poison(); }

  Sequence makeSequence(Random& random, int64_t tokens) {
    Sequence s{tokens, random.normals(static_cast<size_t>(tokens * row_)), {}, {}, {}, {}, {}};
    s.queries.resize(static_cast<size_t>(tokens * width()));
    for (int64_t page = 0; page * 16 < tokens; ++page) {
      s.pages.push_back(freePages_.back());
      freePages_.pop_back();
    }
    for (int64_t t = 0; t < tokens; ++t) {
      std::vector<double> row(s.qkv.begin() + t * row_, s.qkv.begin() + (t + 1) * row_);
      for (int64_t h = 0; h < c_.heads + c_.kvHeads; ++h) {
        double* head = row.data() + h * c_.headDim;
        if (c_.headNorm) ref::rmsNorm(head, h < c_.heads ? qNorm_.data() : kNorm_.data(), c_.headDim, 1e-6, head);
        ref::rotateHead(head, table_.data() + t * c_.rotary, c_.rotary);
      }
      auto at = [&](int64_t head) { return row.begin() + head * c_.headDim; };
      s.q.insert(s.q.end(), at(0), at(c_.heads));
      s.keys.insert(s.keys.end(), at(c_.heads), at(c_.heads + c_.kvHeads));
      s.values.insert(s.values.end(), at(c_.heads + c_.kvHeads), row.end());
    }
    return s;
  }

  // The next `counts[i]` tokens of each sequence in one step; rows of y are appended to outputs[i].
  void step(const std::vector<Sequence*>& sequences, const std::vector<int64_t>& counts, std::vector<int64_t>& done,
            std::vector<std::vector<float>>& outputs, int queryBlock = kQueryBlock, int partials = kPartials) {
    Batch batch({.tokens = 2 * kMaxTokens, .sequences = 8, .rows = 8, .pagesPerSequence = kMaxPages, .queryBlock = queryBlock, .partials = partials});
    OperandVector<float> qkv;
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (counts[i] == 0) continue;
      std::vector<int32_t> ids(static_cast<size_t>(counts[i]), 0);
      batch.add(ids, static_cast<int32_t>(done[i]), 0, sequences[i]->pages);
      qkv.insert(qkv.end(), sequences[i]->qkv.begin() + done[i] * row_, sequences[i]->qkv.begin() + (done[i] + counts[i]) * row_);
    }
    int64_t tokens = batch.view().num_tokens;
    int64_t yBytes = c_.resultGroup ? quantizedRowBytes(width(), static_cast<int>(c_.resultGroup)) : width() * 4;
    Poisoned q(static_cast<size_t>(tokens * width()) * 4), y(static_cast<size_t>(tokens * yBytes));
    std::vector<void*> operands = {qkv.data()};
    if (c_.rotary) operands.push_back(table_.data());
    if (c_.headNorm) operands.insert(operands.end(), {qNorm_.data(), kNorm_.data()});
    operands.insert(operands.end(), {keys(), keys() + half_});
    if (alone_ && tokens == 1) {
      operands.insert(operands.end(), {y.data(), partials_.data()});
      alone_->runBackwards(batch.view(), operands, tilesOf(batch.view()));
    } else {
      operands.push_back(q.data());
      append_->runBackwards(batch.view(), operands, append_->tilesFor(tokens));
      operands = {q.data(), keys(), keys() + half_, y.data(), partials_.data()};
      attend_->runOnThreads(batch.view(), operands, tilesOf(batch.view()), 2);
      if (prompts_ && tokens >= INGOT_MANY_TOKENS) prompts_->runBackwards(batch.view(), operands, prompts_->tilesFor(batch.view().num_blocks));
    }
    EXPECT_TRUE(q.guardsIntact() && y.guardsIntact() && pool_.guardsIntact() && partials_.guardsIntact());
    const char* row = y.as<char>();
    const auto* query = q.as<float>();
    for (size_t i = 0; i < sequences.size(); ++i) {
      std::copy_n(query, counts[i] * width(), sequences[i]->queries.begin() + done[i] * width());
      query += counts[i] * width();
      for (int64_t t = 0; t < counts[i]; ++t, row += yBytes) {
        const auto* values = reinterpret_cast<const float*>(row);
        if (c_.resultGroup) appendQuantizedRow(row, width(), c_.resultGroup, outputs[i]);
        else outputs[i].insert(outputs[i].end(), values, values + width());
      }
      done[i] += counts[i];
    }
  }

  // Queries, keys and values as plain loops make them, but for rounding; then attention over just those.
  void expectClose(const Sequence& s, const std::vector<float>& y) const {
    std::vector<double> q(s.queries.begin(), s.queries.end()), keys = cached(s, false), values = cached(s, true);
    CacheElement element = elementOf(c_);
    expectRounded(q, s.q, {}, "query");
    expectRounded(keys, s.keys, element, "key");
    expectRounded(values, s.values, element, "value");
    // Tensor cores take queries and weights in the type of the cache, or halves where that is a byte.
    double factor = c_.softcap != 0 ? kScale : kScale * 1.4426950408889634, tolerance = 4e-5;
    if (fragments_) {
      for (double& x : q) x = element.narrowed(static_cast<float>(x) * static_cast<float>(factor)) / factor;
      tolerance += element.halfNarrowed * largestOf(values);
    }
    ref::AttentionShape<double> shape{c_.heads, c_.kvHeads, c_.headDim, kScale, c_.window, c_.softcap, c_.alibi};
    ASSERT_EQ(y.size(), q.size());
    std::vector<double> expected(static_cast<size_t>(width()));
    for (int64_t t = 0; t < s.tokens; ++t) {
      ref::attention(shape, q.data() + t * width(), t, keys.data(), values.data(), expected.data());
      for (int64_t i = 0; i < width(); ++i)
        ASSERT_NEAR(
            y[static_cast<size_t>(t * width() + i)], expected[static_cast<size_t>(i)],
            tolerance * (1 + std::fabs(expected[static_cast<size_t>(i)])) + (c_.resultGroup ? halfStep(expected.data(), i, c_.resultGroup) : 0))
            << "element " << i << " of token " << t << " of " << s.tokens;
    }
  }

  // Pages that no sequence has, tokens behind a sequence's end and other layers stay poison.
  void expectOthersUntouched(const std::vector<Sequence*>& sequences) {
    std::vector<bool> written(pool_.bytes() / elementBytes_);
    auto heads = static_cast<int>(c_.kvHeads), dim = static_cast<int>(c_.headDim);
    for (const Sequence* s : sequences)
      for (int64_t t = 0; t < s->tokens; ++t)
        for (int h = 0; h < heads; ++h)
          for (bool isValue : {false, true}) {
            for (int d = 0; d < dim; ++d) written[placeOf(*s, t, h, d, isValue)] = true;
            for (size_t b = 0; b < 4 && c_.cache == std::string_view("i8"); ++b) written[placeOfStep(*s, t, h, isValue) + b] = true;
          }
    for (size_t i = 0; i < written.size(); ++i)
      for (size_t b = 0; b < elementBytes_ && !written[i]; ++b) ASSERT_EQ(pool_.as<unsigned char>()[i * elementBytes_ + b], 0xff) << "element " << i;
  }

 private:
  static OperandVector<float> normals(Random& random, int64_t count) {
    std::vector<float> values = random.normals(static_cast<size_t>(count));
    return {values.begin(), values.end()};
  }
  int64_t width() const { return c_.heads * c_.headDim; }
  unsigned char* keys() { return pool_.as<unsigned char>() + kLayer * 2 * half_; }

  // The first element of the pool that belongs to head h of token t.
  size_t placeOfHead(const Sequence& s, int64_t t, int h, bool isValue) const {
    auto heads = static_cast<int>(c_.kvHeads), dim = static_cast<int>(c_.headDim);
    CacheType type = cacheTypeOf(c_);
    return static_cast<size_t>(headOffset(type, s.pages[static_cast<size_t>(t / 16)], kLayers, h, heads, dim) +
                               (kLayer * 2 + isValue) * layerElements(type, heads, dim));
  }
  // The one that has its column d; and where the step of its codes begins.
  size_t placeOf(const Sequence& s, int64_t t, int h, int d, bool isValue) const {
    auto dim = static_cast<int>(c_.headDim), slot = static_cast<int>(t % 16);
    int place = isValue ? slot * dim + d : d * 16 + slot;
    if (fragments_) place = fragmentOffset(cacheTypeOf(c_), dim, slot, d, isValue);
    return placeOfHead(s, t, h, isValue) + static_cast<size_t>(place);
  }
  size_t placeOfStep(const Sequence& s, int64_t t, int h, bool isValue) const {
    return placeOfHead(s, t, h, isValue) + static_cast<size_t>(c_.headDim * 16 + t % 16 * 4);
  }
  // What the pool has of a sequence: [tokens, kvHeads, headDim].
  std::vector<double> cached(const Sequence& s, bool isValue) const {
    std::vector<double> elements;
    for (int64_t t = 0; t < s.tokens; ++t)
      for (int h = 0; h < c_.kvHeads; ++h) {
        float step = 1;
        if (c_.cache == std::string_view("i8")) step = bitsAt<float>(pool_.as<unsigned char>() + placeOfStep(s, t, h, isValue));
        for (int d = 0; d < c_.headDim; ++d)
          elements.push_back(step * elementOf(c_).read(pool_.as<unsigned char>() + placeOf(s, t, h, d, isValue) * elementBytes_));
      }
    return elements;
  }

  static double largestOf(const std::vector<double>& values) {
    double largest = 0;
    for (double value : values) largest = std::max(largest, std::fabs(value));
    return largest;
  }
  // Sums of f32 may cancel: they are off by some steps of the largest part.
  void expectRounded(const std::vector<double>& actual, const std::vector<double>& expected, const CacheElement& element, const char* what) const {
    ASSERT_EQ(actual.size(), expected.size());
    double slack = 1e-6 * (1 + largestOf(expected)) + element.halfLeast;
    auto columns = static_cast<size_t>(c_.headDim);
    for (size_t i = 0; i < actual.size(); ++i) {
      auto head = expected.begin() + static_cast<std::ptrdiff_t>(i / columns * columns);
      double step = element.halfCode * largestOf({head, head + c_.headDim});
      ASSERT_NEAR(actual[i], expected[i], slack + 1.01 * (step + element.halfStep * std::fabs(expected[i]))) << what << " " << i;
    }
  }

  int64_t tilesOf(const IngotBatch& batch) const {
    return attend_->tilesFor(attend_->code.tiles.extent == exec::Extent::splits ? batch.num_splits : batch.num_blocks);
  }

  static constexpr int kPartials = 32;
  const Case& c_;
  const bool fragments_;
  const Kernel *append_, *attend_, *alone_ = nullptr, *prompts_ = nullptr;
  int64_t row_;
  OperandVector<float> table_, qNorm_, kNorm_;
  size_t elementBytes_;
  size_t half_;  // bytes of a layer's keys of a page
  Poisoned pool_, partials_;
  std::vector<int32_t> freePages_;
};

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

// The last token of sequences whose others came in one step; those of one token and of several splits too.
TEST(AttentionAlone, OneKernelDoesBoth) {
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
    std::vector<int64_t> lengths = {1, 17, 66};
    if (cases[i].window >= 300) lengths.push_back(600);
    for (int64_t length : lengths) {
      Sequence sequence = model.makeSequence(random, length);
      std::vector<std::vector<float>> expected(1), given(1);
      for (auto [kernel, output] : {std::pair{static_cast<const Kernel*>(nullptr), &expected}, {&(*library)->at(3 * i + 2), &given}}) {
        std::vector<int64_t> done = {0};
        model.forgetTokens();
        model.useAlone(kernel);
        if (length > 1) model.step({&sequence}, {length - 1}, done, *output);
        model.step({&sequence}, {1}, done, *output);
        model.expectOthersUntouched({&sequence});
      }
      EXPECT_EQ(std::memcmp(given[0].data(), expected[0].data(), expected[0].size() * 4), 0) << length << " tokens";
    }
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
