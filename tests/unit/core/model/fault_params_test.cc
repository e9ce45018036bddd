// SPDX-License-Identifier: Apache-2.0
// The promise under test: a fault's parameters are read exactly, each mistake with its path and
// what would have been right.
#include <catch2/catch.hpp>

#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kParams[] = {
    duration_param("delay", "500ms", "1ms", "1m", ""),
    integer_param("port", nullptr, "1", "65535", ""),
    percent_param("load", "50", "0.5", "100", ""),
    size_param("memory", "64MiB", "1MiB", "2GiB", ""),
    text_param("table", nullptr, ""),
    word_param("way", "both", "both|up", ""),
};
constexpr FaultKindSpec kKind = {.name = "test.kind",
                                 .summary = "",
                                 .target_key = "node",
                                 .params = kParams,
                                 .needs = "",
                                 .undo = "",
                                 .measured = "",
                                 .shown_by = "*"};

std::map<std::string, std::string> read(const nlohmann::json& params, Problems& problems) {
  return read_fault_params(kKind, params, "params", problems);
}

TEST_CASE("parameters of every type are read and written in one spelling") {
  Problems problems;
  const auto values = read({{"delay", "2000ms"},
                            {"port", 80},
                            {"load", 12.5},
                            {"memory", "1024KiB"},
                            {"table", "orders"},
                            {"way", "up"}},
                           problems);
  CHECK(problems.empty());
  CHECK(values == std::map<std::string, std::string>{{"delay", "2s"},
                                                     {"port", "80"},
                                                     {"load", "12.5"},
                                                     {"memory", "1MiB"},
                                                     {"table", "orders"},
                                                     {"way", "up"}});
}

TEST_CASE("what is left out takes its default, and what has none is asked for") {
  Problems problems;
  const auto values = read(nullptr, problems);
  CHECK(values.at("memory") == "64MiB");
  CHECK(values.at("load") == "50");
  CHECK(problems.error().message.find("params.port is missing") != std::string::npos);
  CHECK(problems.error().message.find("params.table is missing") != std::string::npos);
}

TEST_CASE("a parameter of the wrong type or out of bounds is refused with the bounds") {
  const auto mistake = [](const char* name, const nlohmann::json& value) {
    nlohmann::json params{{"port", 80}, {"table", "orders"}};
    params[name] = value;
    Problems problems;
    (void)read(params, problems);
    return problems.empty() ? std::string() : problems.error().message;
  };
  CHECK(mistake("memory", "3GiB") == "params.memory must be from 1MiB to 2GiB");
  CHECK(mistake("memory", 1 << 20).empty());  // bytes
  CHECK(mistake("memory", "64 MB") == "params.memory must be a size such as \"64MiB\", or bytes");
  CHECK(mistake("memory", 1.5) == "params.memory must be a size such as \"64MiB\", or bytes");
  for (const auto& [name, value] : std::map<std::string, nlohmann::json>{
           {"port", 0}, {"load", 101}, {"load", "many"}, {"way", "down"}, {"table", ""}}) {
    INFO(name);
    CHECK(mistake(name.c_str(), value).starts_with("params." + name));
  }
}

TEST_CASE("the defaults of every kind, written down and read again, are the same") {
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    INFO(kind.name);
    Problems problems;
    const auto read = read_fault_params(kind, nullptr, "params", problems);
    if (!problems.empty()) continue;  // some parameter must be given
    const auto again = read_fault_params(kind, fault_params_json(kind, read), "params", problems);
    CHECK(problems.empty());
    CHECK(again == read);
  }
}

TEST_CASE("every kind says what it needs, how it is undone and how it is measured") {
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    INFO(kind.name);
    CHECK(std::string(kind.undo).ends_with('.'));
    CHECK(std::string(kind.measured).ends_with('.'));
    CHECK((kind.on("service") || kind.on("link") || kind.on("node")));
    for (const FaultParam& param : kind.params) {
      INFO(param.name);
      CHECK(std::string(param.summary).ends_with('.'));
    }
  }
}

}  // namespace
}  // namespace panshi
