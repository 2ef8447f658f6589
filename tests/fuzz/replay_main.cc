// Runs a fuzz target over files and folders: the corpus as a test, with any compiler. Each input is also tried cut short.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  // Cuts from copies of exact size, so that a sanitizer sees a read past the end.
  for (size_t cut : {size_t{0}, size_t{1}, bytes.size() / 4, bytes.size() / 2, bytes.size()}) {
    std::vector<uint8_t> input(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(std::min(cut, bytes.size())));
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      replay(argv[i]);
      ++count;
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) replay(entry.path()), ++count;
  }
  std::printf("replayed %d inputs\n", count);
  return count == 0;
}
