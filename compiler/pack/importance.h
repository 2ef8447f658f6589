// What the columns of matrices matter: the mean square of what each multiplies, measured on text (compiler/calibrate).
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "dialects/llm/llm.h"

namespace ingot {

// Checkpoint tensor -> one value for each column of the matrix, with a mean of 1. Immutable.
using Importance = std::map<std::string, std::vector<float>>;

// That of a parameter's columns; empty where nothing was measured. Matrices that a pass put together read the same rows, so any
// of the parameter's sources will do.
inline std::span<const float> importanceOf(const Importance& importance, llm::ParamOp param) {
  for (auto source : param.getSources().getAsValueRange<mlir::StringAttr>())
    if (auto found = importance.find(source.str()); found != importance.end()) return found->second;
  return {};
}

}  // namespace ingot
