#include "compiler/text/text_json.h"

#include "compiler/support/file.h"

namespace ingot {
namespace {

constexpr size_t kMaxDepth = 64;

// Builds the value itself: nlohmann's own parser keeps the last of equal keys and says nothing.
class Builder : public nlohmann::json_sax<TextJson> {
 public:
  TextJson root;
  std::string problem;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(TextJson::object()); }
  bool start_array(size_t) override { return open(TextJson::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto& members = stack_.back()->get_ref<TextJson::object_t&>();
    auto [member, isNew] = members.try_emplace(std::move(name));
    if (!isNew) return fail(fmt::format("key \"{}\" stands twice", member->first));
    slot_ = &member->second;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    if (problem.empty()) problem = fmt::format("is not valid JSON at byte {}: {}", position, error.what());
    return false;
  }

 private:
  bool fail(std::string what) {
    problem = std::move(what);
    return false;
  }

  TextJson* place(TextJson value) {
    if (stack_.empty()) return root = std::move(value), &root;
    if (stack_.back()->is_object()) return *slot_ = std::move(value), slot_;
    stack_.back()->push_back(std::move(value));
    return &stack_.back()->back();
  }
  bool add(TextJson value) { return place(std::move(value)), true; }
  bool open(TextJson value) {
    if (stack_.size() == kMaxDepth) return fail(fmt::format("nests deeper than {}", kMaxDepth));
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() { return stack_.pop_back(), true; }

  std::vector<TextJson*> stack_;
  TextJson* slot_ = nullptr;
};

}  // namespace

Result<TextJson> parseTextJson(std::string_view text, std::string_view where) {
  Builder builder;
  if (!TextJson::sax_parse(text, &builder))
    return Status::invalidInput("{}: {}", where, builder.problem.empty() ? "is not valid JSON" : builder.problem);
  return std::move(builder.root);
}

Result<TextJson> readTextJsonFile(const std::filesystem::path& path) {
  INGOT_ASSIGN(std::string text, readTextFile(path));
  return parseTextJson(text, path.string());
}

}  // namespace ingot
