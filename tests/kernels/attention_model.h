// One layer's rope_append and attention over a pool of pages, step by step, beside plain loops.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/attention/attention.spec.h"
#include "kernels/ref/attention.h"
#include "kernels/ref/norm.h"
#include "kernels/ref/rope.h"
#include "runtime/exec/batch.h"
#include "tests/kernels/attention_cases.h"

namespace ingot::test::attention {

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
  // Of steps whose tokens are apart, both kernels in one; null: they have two as others do.
  void useApart(const Kernel* apart) { apart_ = apart; }
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
    if (apart_ && batch.view().are_apart) {
      operands.insert(operands.end(), {y.data(), partials_.data()});
      apart_->runBackwards(batch.view(), operands, tilesOf(batch.view()));
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
  const Kernel *append_, *attend_, *apart_ = nullptr, *prompts_ = nullptr;
  int64_t row_;
  OperandVector<float> table_, qNorm_, kNorm_;
  size_t elementBytes_;
  size_t half_;  // bytes of a layer's keys of a page
  Poisoned pool_, partials_;
  std::vector<int32_t> freePages_;
};

}  // namespace ingot::test::attention
