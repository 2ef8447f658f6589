#include "runtime/api/ingot/ingot.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace ingot {

std::string load_chat_template(const std::string& pathOrText) {
  std::error_code ignored;
  if (pathOrText.find('\n') != std::string::npos || !std::filesystem::is_regular_file(pathOrText, ignored)) return pathOrText;
  std::ostringstream text;
  text << std::ifstream(pathOrText, std::ios::binary).rdbuf();
  return std::move(text).str();
}

}  // namespace ingot
