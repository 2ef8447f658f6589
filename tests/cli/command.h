// Runs the tools as a user does, and looks at what they leave: exit status, both streams, files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_checkpoint.h"

namespace ingot::test {

struct Ran {
  int status = -1;  // 128 + signal when a signal ended it
  std::string out, err;
};

// `whileRunning` is called again and again with the process id until it returns true or the process ends.
Ran runCommand(const std::vector<std::string>& arguments, const std::filesystem::path& temporary, const std::function<bool(int)>& whileRunning = {});

// A folder with the tiny checkpoint in it that a test damages, and an empty TMPDIR.
struct Workplace {
  TemporaryFolder folder;
  std::filesystem::path checkpoint = folder / "model", temporary = folder / "tmp", output = folder / "out/model.ingot";
  Workplace();

  Ran compile(const std::vector<std::string>& more = {}, const std::string& from = {}) const;
  // The compile fails with `status` and one error line that has all of `words`; nothing is left behind.
  void expectRefusal(int status, const std::vector<std::string>& words, const std::vector<std::string>& more = {},
                     const std::string& from = {}) const;
};

}  // namespace ingot::test
