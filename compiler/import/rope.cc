// Rotary frequencies as transformers computes them (modeling_rope_utils): f32 steps where the reference uses f32.
#include <algorithm>
#include <cmath>

#include "compiler/import/decoder_spec.h"

namespace ingot {
namespace {

std::vector<float> plainFrequencies(double theta, int64_t dim) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < dim; i += 2) {
    float power = static_cast<float>(std::pow(theta, static_cast<double>(static_cast<float>(i) / static_cast<float>(dim))));
    frequencies.push_back(1.0f / power);
  }
  return frequencies;
}

// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, those between blended.
void stretchLlama3(const RopeSpec& rope, std::vector<float>& frequencies) {
  double original = rope.originalMaxPositions;
  double longest = original / rope.lowFrequencyFactor, shortest = original / rope.highFrequencyFactor;
  for (float& frequency : frequencies) {
    double wavelength = 2 * M_PI / frequency;
    if (wavelength < shortest) continue;
    if (wavelength > longest) {
      frequency = static_cast<float>(frequency / rope.factor);
      continue;
    }
    double smooth = (original / wavelength - rope.lowFrequencyFactor) / (rope.highFrequencyFactor - rope.lowFrequencyFactor);
    frequency = static_cast<float>((1 - smooth) * frequency / rope.factor + smooth * frequency);
  }
}

// YaRN (Peng et al. 2023): interpolate below betaSlow rotations, extrapolate above betaFast, ramp between.
void stretchYarn(const RopeSpec& rope, std::vector<float>& frequencies) {
  double dim = static_cast<double>(rope.rotaryDim);
  auto dimensionOf = [&](double rotations) {
    return dim * std::log(rope.originalMaxPositions / (rotations * 2 * M_PI)) / (2 * std::log(rope.theta));
  };
  double low = dimensionOf(rope.betaFast), high = dimensionOf(rope.betaSlow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = static_cast<float>(frequencies[i] / rope.factor * ramp + frequencies[i] * (1 - ramp));
  }
}

}  // namespace

std::vector<float> RopeSpec::inverseFrequencies(int64_t maxPositions) const {
  double base = theta;
  if (kind == RopeKind::dynamic) {
    // NTK-aware scaling for the longest sequence, fixed for the whole model as vLLM does.
    double dim = static_cast<double>(rotaryDim), longest = std::max(originalMaxPositions * factor, static_cast<double>(maxPositions));
    base = theta * std::pow(factor * longest / originalMaxPositions - (factor - 1), dim / (dim - 2));
  }
  std::vector<float> frequencies = plainFrequencies(base, rotaryDim);
  if (kind == RopeKind::linear)
    for (float& frequency : frequencies) frequency = static_cast<float>(frequency / factor);
  if (kind == RopeKind::llama3) stretchLlama3(*this, frequencies);
  if (kind == RopeKind::yarn) stretchYarn(*this, frequencies);
  for (size_t i = 0; i < std::min(factors.size(), frequencies.size()); ++i) frequencies[i] /= factors[i];
  return frequencies;
}

std::vector<float> ropeTable(std::span<const float> frequencies, double scale, int64_t positions) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(positions) * frequencies.size() * 2);
  for (int64_t position = 0; position < positions; ++position)
    for (float frequency : frequencies) {
      double angle = static_cast<float>(position) * frequency;  // the reference multiplies in f32
      values.push_back(static_cast<float>(std::cos(angle) * scale));
      values.push_back(static_cast<float>(std::sin(angle) * scale));
    }
  return values;
}

}  // namespace ingot
