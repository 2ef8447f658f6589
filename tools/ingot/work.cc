#include "tools/ingot/work.h"

#include <algorithm>
#include <map>

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string_view functionOf(const plan::Variant& variant, const plan::Step& step) {
  return variant.kernels()->Get(step.kernel())->function()->string_view();
}

// Tables of which a step reads a row a token, and not all.
bool gathers(std::string_view function) {
  return function == "embedding" || function == "rope_append" || function == "attention" || function == "prompt";
}

// A token alone has steps that do the same work in fewer; many tokens have steps that do some of it instead.
bool isOfSeveral(const plan::Step& step) { return step.batches() == plan::Batches::any || step.batches() == plan::Batches::several; }

// At least so many bytes of weights and cache are read, and so many multiply-adds x 2 computed.
struct Work {
  double bytes = 0, ops = 0;
  bool int8 = false;  // the products are of 8-bit values
};

// Null where a step has none, as no file of ours.
const plan::Weight* matrixOf(const plan::Plan& plan, const plan::Variant& variant, const plan::Step& step) {
  for (const auto* operand : *step.operands())
    if (operand->kind() == plan::OperandKind::weight)
      if (const auto* weight = plan.weights()->Get(variant.weights()->Get(operand->index())); weight->shape()->size() == 2) return weight;
  return nullptr;
}

Work linearWork(const plan::Plan& plan, const plan::Variant& variant, const plan::Step& step, const Load& load) {
  const auto* weight = matrixOf(plan, variant, step);
  if (!weight) return {};
  double products = static_cast<double>(weight->shape()->Get(0)) * static_cast<double>(weight->shape()->Get(1));
  const auto* result = step.operands()->Get(step.operands()->size() - 1);
  bool logits = result->kind() == plan::OperandKind::slot && result->index() == variant.logits_slot();
  double rows = logits ? load.rows : load.tokens;
  return {.bytes = 0, .ops = 2 * products * rows, .int8 = weight->format()->string_view().starts_with("i")};
}

Work attentionWork(const plan::Plan& plan, const plan::Variant& variant, const plan::Step& step, const Load& load) {
  double pageTokens = plan.model()->page_tokens();
  double bytesPerToken = static_cast<double>(variant.key_page_bytes() + variant.value_page_bytes()) / pageTokens;
  double columns = static_cast<double>(plan.model()->heads()) * plan.model()->head_dim();
  return {.bytes = load.contexts * bytesPerToken, .ops = 4 * load.seen * columns, .int8 = false};
}

Work workOf(const plan::Plan& plan, const plan::Variant& variant, const plan::Step& step, const Load& load) {
  std::string_view function = functionOf(variant, step);
  Work work;
  if (function == "linear") work = linearWork(plan, variant, step, load);
  if (function == "attention" || function == "prompt") work = attentionWork(plan, variant, step, load);
  if (!gathers(function))
    for (const auto* operand : *step.operands())
      if (operand->kind() == plan::OperandKind::weight)
        work.bytes += load.runs * static_cast<double>(plan.weights()->Get(variant.weights()->Get(operand->index()))->bytes());
  return work;
}

}  // namespace

Load loadOfPrompts(int batch, int tokens, int chunk) {
  double each = tokens, all = batch;
  Load load{.runs = 0, .tokens = all * each, .rows = all, .contexts = 0, .seen = all * 0.5 * each * (each + 1)};
  for (int at = 0; at < tokens; at += chunk) {
    load.runs += all;
    load.contexts += all * std::min(tokens, at + chunk);
  }
  return load;
}

Load loadOfSteps(int batch, int prompt, int steps) {
  double tokens = static_cast<double>(batch) * steps, seen = tokens * (prompt + 0.5 * (steps + 1));
  return {.runs = static_cast<double>(steps), .tokens = tokens, .rows = tokens, .contexts = seen, .seen = seen};
}

double bytesRead(const plan::Plan& plan, const plan::Variant& variant, const Load& load) {
  double bytes = 0;
  for (const auto* step : *variant.steps())
    if (isOfSeveral(*step)) bytes += workOf(plan, variant, *step, load).bytes;
  return bytes;
}

double matrixOps(const plan::Plan& plan, const plan::Variant& variant, const Load& load) {
  double ops = 0;
  for (const auto* step : *variant.steps())
    if (functionOf(variant, *step) == "linear" && isOfSeveral(*step)) ops += workOf(plan, variant, *step, load).ops;
  return ops;
}

bool hasInt8(const plan::Plan& plan, const plan::Variant& variant) {
  for (const auto* step : *variant.steps())
    if (functionOf(variant, *step) == "linear" && linearWork(plan, variant, *step, {}).int8) return true;
  return false;
}

double matrixSeconds(const plan::Plan& plan, const plan::Variant& variant, const Load& load, const Limits& limits) {
  double seconds = 0;
  for (const auto* step : *variant.steps()) {
    if (functionOf(variant, *step) != "linear" || !isOfSeveral(*step)) continue;
    Work work = workOf(plan, variant, *step, load);
    double peak = work.int8 ? limits.int8 : limits.floats;
    if (peak <= 0) return 0;
    seconds += work.ops / peak;
  }
  return seconds;
}

Json profileOf(const plan::Plan& plan, const plan::Variant& variant, const Load& load, std::span<const StepProfile> steps, const Limits& limits) {
  struct Sum {
    int steps = 0;
    double seconds = 0, limit = 0;
    Work work;
    const char* limitedBy = "memory";
  };
  std::map<std::string, Sum> sums;
  double all = 0;
  auto timeOf = [](double amount, double perSecond) { return perSecond > 0 ? amount / perSecond : 0; };
  for (size_t i = 0; i < steps.size(); ++i) {
    const StepProfile& one = steps[i];
    if (one.seconds == 0) continue;  // not run
    Sum& sum = sums[variant.kernels()->Get(one.step->kernel())->name()->str()];
    bool leavesWork = i + 1 < steps.size() && steps[i + 1].step->batches() == plan::Batches::many && steps[i + 1].seconds > 0;
    Work work = leavesWork ? Work{} : workOf(plan, variant, *one.step, load);
    double memory = timeOf(work.bytes, limits.bytes), compute = timeOf(work.ops, work.int8 ? limits.int8 : limits.floats);
    ++sum.steps;
    sum.seconds += one.seconds;
    sum.work.bytes += work.bytes;
    sum.work.ops += work.ops;
    sum.limit += std::max(memory, compute);
    if (compute > memory) sum.limitedBy = work.int8 ? "int8" : limits.floatType;
    all += one.seconds;
  }
  std::vector<std::pair<std::string, Sum>> order(sums.begin(), sums.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  Json report = Json::array();
  for (const auto& [name, sum] : order)
    report.push_back({{"kernel", name},
                      {"steps", sum.steps},
                      {"seconds", sum.seconds},
                      {"share_of_time", sum.seconds / all},
                      {"bytes_per_s", sum.work.bytes / sum.seconds},
                      {"ops_per_s", sum.work.ops / sum.seconds},
                      {"limited_by", sum.limitedBy},
                      {"share_of_limit", sum.limit / sum.seconds}});
  return report;
}

void printProfile(std::string_view phase, const Json& report) {
  fmt::print("\n{:<40} {:>5} {:>11} {:>6} {:>9} {:>10} {:>9}\n", phase, "steps", "time", "share", "read", "computed", "of limit");
  for (const Json& one : report) {
    auto number = [&](const char* key) { return one[key].get<double>(); };
    fmt::print("{:<40} {:>5} {:>8.2f} ms {:>5.1f}% {:>4.1f} GB/s {:>4.0f} Gop/s {:>7.1f}% {}\n", one["kernel"].get<std::string>(),
               one["steps"].get<int>(), number("seconds") * 1e3, number("share_of_time") * 100, number("bytes_per_s") / 1e9,
               number("ops_per_s") / 1e9, number("share_of_limit") * 100, one["limited_by"].get<std::string>());
  }
}

}  // namespace ingot::cli
