// Status and Result<T>: how the runtime and the libraries report failure. Values, never exceptions.
// A message says WHERE, what was found, what was expected and, where it helps, what to do.
#pragma once

#ifdef INGOT_WITH_FMT  // inside Ingot: the makers format their messages; users of the library need no fmt
#include <fmt/format.h>
#endif

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ingot {

enum class StatusCode {
  ok,
  invalidArgument,  // a value given by the caller is outside its range
  invalidArtifact,  // model.ingot is damaged, or not one
  invalidInput,     // a checkpoint, tokenizer, template or other input file is refused
  notFound,
  unsupported,        // understood, and not offered: the message names the limit
  resourceExhausted,  // memory, pages, steps, disk: the message has both numbers
  cancelled,
  io,
  internal,    // a bug of ours
  deviceLost,  // a GPU failed or hangs: what uses it has to be opened again, mostly in a new process
};

// A code and a message; empty message when ok. Immutable.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::ok; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // Puts `where` in front of the message: "where: message".
  Status at(std::string_view where) && {
    if (!ok()) message_.insert(0, ": ").insert(0, where);
    return std::move(*this);
  }

#ifdef INGOT_WITH_FMT
#define INGOT_STATUS_MAKER(name)                                                 \
  template <class... Args>                                                       \
  static Status name(fmt::format_string<Args...> format, Args&&... args) {       \
    return {StatusCode::name, fmt::format(format, std::forward<Args>(args)...)}; \
  }
  INGOT_STATUS_MAKER(invalidArgument)
  INGOT_STATUS_MAKER(invalidArtifact)
  INGOT_STATUS_MAKER(invalidInput)
  INGOT_STATUS_MAKER(notFound)
  INGOT_STATUS_MAKER(unsupported)
  INGOT_STATUS_MAKER(resourceExhausted)
  INGOT_STATUS_MAKER(cancelled)
  INGOT_STATUS_MAKER(io)
  INGOT_STATUS_MAKER(internal)
  INGOT_STATUS_MAKER(deviceLost)
#undef INGOT_STATUS_MAKER
#endif

 private:
  StatusCode code_ = StatusCode::ok;
  std::string message_;
};

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace ingot

// INGOT_TRY(expr): leaves the function with expr's Status when that is not ok.
#define INGOT_TRY(expr)                                                  \
  do {                                                                   \
    if (::ingot::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)

// INGOT_ASSIGN(auto x, expr): x = value of the Result, or leaves the function with its Status.
#define INGOT_CONCAT_(a, b) a##b
#define INGOT_CONCAT(a, b) INGOT_CONCAT_(a, b)
#define INGOT_ASSIGN(target, expr) INGOT_ASSIGN_(INGOT_CONCAT(result_, __LINE__), target, expr)
#define INGOT_ASSIGN_(result, target, ...)  \
  auto result = (__VA_ARGS__);              \
  if (!result.ok()) return result.status(); \
  target = std::move(result).value()
