#include "tests/cli/command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

extern char** environ;

namespace ingot::test {

namespace fs = std::filesystem;

Ran runCommand(const std::vector<std::string>& arguments, const fs::path& temporary, const std::function<bool(int)>& whileRunning) {
  TemporaryFolder streams;
  std::string out = streams / "out", err = streams / "err", variable = "TMPDIR=" + temporary.string();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<char*> argv, environment = {variable.data()};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  for (char** one = environ; *one; ++one)
    if (std::string_view(*one).substr(0, 7) != "TMPDIR=") environment.push_back(*one);
  environment.push_back(nullptr);
  pid_t process = 0;
  Ran ran;
  if (posix_spawn(&process, argv[0], &actions, nullptr, argv.data(), environment.data()) == 0) {
    int status = 0;
    bool told = !whileRunning;
    while (!told && waitpid(process, &status, WNOHANG) == 0) {
      told = whileRunning(process);
      usleep(500);
    }
    waitpid(process, &status, 0);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  posix_spawn_file_actions_destroy(&actions);
  ran.out = readFile(out);
  ran.err = readFile(err);
  return ran;
}

Workplace::Workplace() {
  fs::create_directory(temporary);
  fs::create_directory(output.parent_path());
  writeCheckpoint(checkpoint, makeTinyLlama());
}

Ran Workplace::compile(const std::vector<std::string>& more, const std::string& from) const {
  std::vector<std::string> arguments = {INGOTC, from.empty() ? checkpoint.string() : from, "-o", output.string(), "--quiet"};
#if defined(__x86_64__)
  arguments.push_back("--target=cpu:x86-64-v3");
#endif
  arguments.insert(arguments.end(), more.begin(), more.end());
  return runCommand(arguments, temporary);
}

void Workplace::expectRefusal(int status, const std::vector<std::string>& words, const std::vector<std::string>& more,
                              const std::string& from) const {
  Ran ran = compile(more, from);
  EXPECT_EQ(ran.status, status) << ran.err;
  EXPECT_EQ(ran.out, "");
  std::string line;
  auto at = ran.err.find("ingotc: error: ");
  if (at != std::string::npos) line = ran.err.substr(at);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << "one line, found: " << ran.err;
  EXPECT_LT(line.size(), 800u) << line;
  for (const auto& word : words) EXPECT_THAT(line, ::testing::HasSubstr(word));
  EXPECT_TRUE(fs::is_empty(output.parent_path())) << "no partial output, no temp file beside it";
  EXPECT_TRUE(fs::is_empty(temporary)) << "nothing in TMPDIR";
}

}  // namespace ingot::test
