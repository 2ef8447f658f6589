// What a decoder-only model is, as flags: one graph builder reads them, one row a family fills them from config.json.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace ingot {

enum class Norm : uint8_t { rms, layer };
enum class NormPlace : uint8_t { before, after };  // of the residual branch it serves
enum class Activation : uint8_t { silu, relu, gelu, geluTanh };
enum class RopeKind : uint8_t { plain, linear, dynamic, llama3, yarn };

// Rotary embedding; formulas in rope.cc. Lengths are in tokens.
struct RopeSpec {
  RopeKind kind = RopeKind::plain;
  double theta = 10000;
  int64_t rotaryDim = 0;  // columns of a head that are rotated; even
  double factor = 1;
  double originalMaxPositions = 0;
  double lowFrequencyFactor = 1, highFrequencyFactor = 4;  // llama3
  double betaFast = 32, betaSlow = 1;                      // yarn
  bool truncate = true;                                    // yarn
  std::vector<float> factors;                              // GGUF's rope_freqs: each frequency is divided by its own
  double attentionFactor = 1;                              // multiplies cosine and sine

  // Frequencies of the rotaryDim / 2 pairs, in f32 as the reference computes them.
  std::vector<float> inverseFrequencies(int64_t maxPositions) const;
};

// [positions, frequencies, 2]: cosine and sine of every angle, times `scale`.
std::vector<float> ropeTable(std::span<const float> frequencies, double scale, int64_t positions);

// Names of a family's tensors without ".weight" / ".bias"; "{}" in layer names is the layer. Empty: the family has none.
struct TensorNames {
  std::vector<std::string> prefixes;  // tried in this order in front of every name but `head`
  std::string embedding, embeddingNorm, positions, projectIn, projectOut, finalNorm, head;
  std::string attentionNorm, q, k, v, qkv, qNorm, kNorm, o, mlpNorm, gate, up, down;
  std::vector<std::string> ignorable;  // endings of tensors that hold nothing a model needs
};

struct DecoderSpec {
  std::string family;
  int64_t hidden = 0, layers = 0, heads = 0, kvHeads = 0, headDim = 0, intermediate = 0, vocab = 0;
  int64_t maxPositions = 0;    // longest sequence: the checkpoint's limit, or the lower one asked for
  int64_t tablePositions = 0;  // rows of a learned position table, without positionOffset
  Norm norm = Norm::rms;
  NormPlace normPlace = NormPlace::before;
  bool finalNorm = true;
  double epsilon = 1e-6;
  Activation activation = Activation::silu;
  bool gatedMlp = true;
  bool qkvBias = false, outputBias = false, mlpBias = false;
  bool headNorm = false;  // RMS norm of every q and k head (Qwen3)
  bool tiedHead = false;
  bool transposedLinear = false;  // GPT-2's Conv1D keeps [in, out]
  bool learnedPositions = false;  // then no rope
  bool alibi = false;             // linear biases of scores (Press et al. 2022); then no rope
  bool qkvByHead = false;         // names.qkv has q, k and v of one head after the other (BLOOM)
  int64_t positionOffset = 0;     // OPT adds 2
  int64_t embeddingDim = 0;       // 0: hidden; else projected in and out (OPT-350m)
  double attentionScale = 0;      // 0: 1 / sqrt(headDim)
  bool scaleByLayer = false;      // GPT-2's scale_attn_by_inverse_layer_idx
  std::vector<int64_t> windows;   // per layer, 0: all positions
  RopeSpec rope;
  DType dtype = DType::f32;                 // of the checkpoint
  int64_t scaleRows = 0, scaleColumns = 0;  // of blocks of 8-bit floats that share a scale; 0: there are none
  TensorNames names;

  int64_t windowOf(int64_t layer) const { return windows.empty() ? 0 : windows[static_cast<size_t>(layer)]; }
};

}  // namespace ingot
