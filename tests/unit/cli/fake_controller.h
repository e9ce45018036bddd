// SPDX-License-Identifier: Apache-2.0
// FakeController: a server that answers a command as the test says, and the way to run it there.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/parse.h"
#include "core/base/text.h"
#include "core/io/http_server.h"
#include "tests/support/temporary_folder.h"

namespace panshi::cli {

struct FakeController {
  FakeController() {
    std::ofstream(token) << std::string(64, 'a') << "\n";
    std::filesystem::permissions(token, std::filesystem::perms(0600));
  }

  // Routes come before the first run.
  int run(const std::vector<Command>& commands, std::vector<std::string> words) {
    if (!is_started) REQUIRE(server.start().has_value());
    is_started = true;
    words.insert(words.begin(), "panshi");
    const std::string url = cat("http://127.0.0.1:", server.port());
    words.insert(words.end(), {"--controller", url, "--token-file", token.string()});
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    const Diverted out(stdout, folder / "out");
    const Diverted error(stderr, folder / "error");
    const int status =
        parse_and_run(commands, static_cast<int>(arguments.size()), arguments.data());
    printed = out.text();
    said = error.text();
    return status;
  }

  // A stream of this process goes to a file for a while.
  class Diverted {
   public:
    Diverted(std::FILE* stream, std::filesystem::path file)
        : stream_(stream), file_(std::move(file)), old_(::dup(::fileno(stream))) {
      std::fflush(stream_);
      const int to = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      ::dup2(to, ::fileno(stream_));
      ::close(to);
    }
    ~Diverted() {
      std::fflush(stream_);
      ::dup2(old_, ::fileno(stream_));
      ::close(old_);
    }
    Diverted(const Diverted&) = delete;
    Diverted& operator=(const Diverted&) = delete;
    std::string text() const {
      std::fflush(stream_);
      std::ostringstream all;
      all << std::ifstream(file_).rdbuf();
      return all.str();
    }

   private:
    std::FILE* const stream_;
    const std::filesystem::path file_;
    const int old_;
  };

  TemporaryFolder folder;
  std::filesystem::path token = folder.path() / "token";
  HttpServer server{{}};
  bool is_started = false;
  std::string printed;  // by the last run
  std::string said;     // on stderr
};

}  // namespace panshi::cli
