// SPDX-License-Identifier: Apache-2.0
// Promise: what is typed after `panshi link` reaches the controller as its API wants it.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "cli/parse.h"
#include "core/base/text.h"
#include "core/io/http_server.h"
#include "tests/support/temporary_folder.h"

namespace panshi::cli {
namespace {

// A controller that remembers the last order.
class FakeController {
 public:
  FakeController() {
    std::ofstream(token_) << std::string(64, 'a') << "\n";
    std::filesystem::permissions(token_, std::filesystem::perms(0600));
    for (const std::string verb : {"drain", "undrain", "weights"}) {
      server_.route("POST", cat("/api/v1/links/", verb), [this, verb](const HttpRequest& request) {
        verb_ = verb;
        body_ = nlohmann::json::parse(request.body);
        return json_response(nlohmann::json::object());
      });
    }
    REQUIRE(server_.start().has_value());
  }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"panshi", "link"});
    const std::string url = cat("http://127.0.0.1:", server_.port());
    words.insert(words.end(), {"--controller", url, "--token-file", token_.string()});
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    return parse_and_run(link_commands(), static_cast<int>(arguments.size()), arguments.data());
  }
  const std::string& verb() const { return verb_; }
  const nlohmann::json& body() const { return body_; }

 private:
  TemporaryFolder folder_;
  std::filesystem::path token_ = folder_.path() / "token";
  std::string verb_;
  nlohmann::json body_;
  HttpServer server_{{}};
};

using nlohmann::json;

TEST_CASE("a drain names node, link and upstream, and gives what is open thirty seconds") {
  FakeController controller;
  const std::vector<std::string> words = {"drain", "--node", "n", "--link", "l", "--upstream", "a"};
  json expected = {{"node", "n"}, {"link", "l"}, {"upstream", "a"}, {"within", "30s"}};
  CHECK(controller.run(words) == kPass);
  CHECK(controller.verb() == "drain");
  CHECK(controller.body() == expected);
}

TEST_CASE("an undrain names node, link and upstream") {
  FakeController controller;
  CHECK(controller.run({"undrain", "--node", "n", "--link", "l", "--upstream", "a"}) == kPass);
  CHECK(controller.verb() == "undrain");
  CHECK(controller.body() == json({{"node", "n"}, {"link", "l"}, {"upstream", "a"}}));
}

TEST_CASE("weights are numbers by upstream, what is no weight orders nothing") {
  FakeController controller;
  CHECK(controller.run({"weights", "--node", "n", "--link", "l", "--set", "a=3,b=0"}) == kPass);
  CHECK(controller.body()["weights"] == json({{"a", 3}, {"b", 0}}));
  FakeController untouched;
  for (const std::string wrong : {"a", "a=", "a=-1", "a=3x"}) {
    CHECK(untouched.run({"weights", "--node", "n", "--link", "l", "--set", wrong}) == kUsage);
  }
  CHECK(untouched.verb().empty());
}

}  // namespace
}  // namespace panshi::cli
