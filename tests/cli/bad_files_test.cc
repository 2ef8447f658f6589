// Files of the other forms: pickles, GGUF, old tar checkpoints.
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace ingot::test {
namespace {

namespace fs = std::filesystem;

class BadFiles : public ::testing::Test, protected Workplace {
 protected:
  BadFiles() { fs::remove(checkpoint / "model.safetensors"); }
  void pickle(const std::string& bytes) { writeFile(checkpoint / "pytorch_model.bin", zipOf({{"archive/data.pkl", bytes}})); }
  std::string gguf(const std::string& bytes) {
    writeFile(folder / "x.gguf", bytes);
    return (folder / "x.gguf").string();
  }
};

TEST_F(BadFiles, PickleThatWouldRunSomething) {
  pickle(
      "\x80\x02"
      "cos\nsystem\nX\x02\0\0\0id\x85R." +
      std::string());
  expectRefusal(1, {"pytorch_model.bin", "os system", "nothing was run"});
  std::string inst("\x80\x02(ios\nsystem\n.");
  pickle(inst);  // INST
  expectRefusal(1, {"0x69", "nothing was run"});
  pickle(
      std::string("\x80\x02\x8c\x08"
                  "builtins\x8c\x04"
                  "eval\x93."));
  expectRefusal(1, {"builtins eval"});
}

TEST_F(BadFiles, PickleOfNonsense) {
  for (const char* bytes : {"", ".", "\x80", "(((", "R.", "h\x05.",
                            "X\xff\xff\xff\xff"
                            "abc",
                            "N."}) {
    pickle(bytes);
    expectRefusal(1, {"pytorch_model.bin"});
  }
}

TEST_F(BadFiles, OldTarCheckpointIsRefusedByName) {
  std::string tar(1024, '\0');
  tar.replace(0, 5, "sys_i");
  tar.replace(257, 5, "ustar");
  writeFile(checkpoint / "pytorch_model.bin", tar);
  expectRefusal(1, {"pytorch_model.bin", "tar", "safetensors"});
  writeFile(checkpoint / "pytorch_model.bin", "\x80\x02\x8a\x0a" + std::string(64, 'x'));
  expectRefusal(1, {"legacy"});
}

TEST_F(BadFiles, ZipOfNonsense) {
  std::string good = zipOf({{"archive/data.pkl", "N."}});
  for (size_t size : {good.size() - 1, good.size() / 2, size_t{4}}) {
    writeFile(checkpoint / "pytorch_model.bin", good.substr(0, size));
    expectRefusal(1, {"pytorch_model.bin"});
  }
}

TEST_F(BadFiles, GgufWithHugeCounts) {
  std::string start = "GGUF" + bytesOf<uint32_t>(3);
  expectRefusal(1, {"x.gguf", "18446744073709551615 tensors"}, {}, gguf(start + bytesOf<uint64_t>(~0ull) + bytesOf<uint64_t>(0)));
  expectRefusal(1, {"x.gguf", "keys"}, {}, gguf(start + bytesOf<uint64_t>(0) + bytesOf<uint64_t>(1ull << 63)));
  expectRefusal(1, {"x.gguf"}, {}, gguf(start + bytesOf<uint64_t>(1 << 20) + bytesOf<uint64_t>(0)));
  std::string key = start + bytesOf<uint64_t>(0) + bytesOf<uint64_t>(1);
  expectRefusal(1, {"x.gguf", "bytes"}, {}, gguf(key + bytesOf<uint64_t>(1ull << 62)));
  expectRefusal(1, {"x.gguf", "9223372036854775808"}, {},
                gguf(key + ggufText("a") + bytesOf<uint32_t>(9) + bytesOf<uint32_t>(4) + bytesOf<uint64_t>(1ull << 63)));
  std::string nested = key + ggufText("a") + bytesOf<uint32_t>(9);
  for (int i = 0; i < 1000; ++i) nested += bytesOf<uint32_t>(9) + bytesOf<uint64_t>(1);
  expectRefusal(1, {"x.gguf", "nest"}, {}, gguf(nested));
  std::string tensor = start + bytesOf<uint64_t>(1) + bytesOf<uint64_t>(0) + ggufText("t") + bytesOf<uint32_t>(2) + bytesOf<uint64_t>(1ull << 40);
  expectRefusal(1, {"x.gguf", "t"}, {}, gguf(tensor + bytesOf<uint64_t>(1ull << 40) + bytesOf<uint32_t>(0) + bytesOf<uint64_t>(0)));
}

TEST_F(BadFiles, GgufOfNonsense) {
  expectRefusal(1, {"does not start with GGUF"}, {}, gguf("GGML" + std::string(100, '\0')));
  expectRefusal(1, {"version 1"}, {}, gguf("GGUF" + bytesOf<uint32_t>(1) + std::string(100, '\0')));
  expectRefusal(1, {"x.gguf"}, {}, gguf(""));
  expectRefusal(1, {"x.gguf"}, {}, gguf("GGUF" + bytesOf<uint32_t>(3) + bytesOf<uint64_t>(0) + bytesOf<uint64_t>(0)));
}

}  // namespace
}  // namespace ingot::test
