// What the steps of a program must read and compute, and how their times compare with that: `ingot bench --profile`.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/exec/program.h"

namespace ingot::cli {

// What was asked of a program, over one or more runs of it.
struct Load {
  double runs = 0, tokens = 0, rows = 0;  // new tokens, and those whose logits were wanted
  double contexts = 0;                    // tokens whose keys and values are read: those of every sequence once a run
  double seen = 0;                        // pairs of a new token and one that it attends to, without windows
};
// `batch` prompts of `tokens` in chunks, one after another; or `steps` steps of one token for each of `batch` sequences behind a prompt.
Load loadOfPrompts(int batch, int tokens, int chunk);
Load loadOfSteps(int batch, int prompt, int steps);

// Bytes of weights and cache that all steps must at least read; multiply-adds x 2 of the linears.
double bytesRead(const plan::Plan& plan, const plan::Variant& variant, const Load& load);
double matrixOps(const plan::Plan& plan, const plan::Variant& variant, const Load& load);
// Whether a linear multiplies 8-bit values.
bool hasInt8(const plan::Plan& plan, const plan::Variant& variant);

// What a machine does at most in a second; 0 where it was not measured.
struct Limits {
  double bytes = 0, int8 = 0, floats = 0;
  const char* floatType = "float32";  // of products that are not of 8-bit values
};

// Seconds that the linears take at those peaks; 0 where one of theirs was not measured.
double matrixSeconds(const plan::Plan& plan, const plan::Variant& variant, const Load& load, const Limits& limits);

// Where the time of one such load went, by kernel, the slowest first: seconds, bytes, operations, and `share_of_limit`, the time that
// memory or arithmetic needs at most speed over the time that it took.
nlohmann::ordered_json profileOf(const plan::Plan& plan, const plan::Variant& variant, const Load& load, std::span<const StepProfile> steps,
                                 const Limits& limits);
void printProfile(std::string_view phase, const nlohmann::ordered_json& report);

}  // namespace ingot::cli
