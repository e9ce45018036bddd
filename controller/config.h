// SPDX-License-Identifier: Apache-2.0
// Config: what `panshi-controller --config FILE` says. Format: docs/reference/controller-api.md.
//
// Every mistake of the file is reported at once, with line and column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/access/rights.h"
#include "core/base/result.h"
#include "core/io/listen_security.h"
#include "core/model/catalog.h"
#include "core/model/load.h"

namespace panshi::controller {

struct Config {
  std::filesystem::path file;  // it was read from
  std::string address = "127.0.0.1";
  std::uint16_t port = 17700;
  ListenSecurity security;
  std::map<std::string, Rights> users;  // "user/alice", by certificate
  std::filesystem::path state;
  CatalogPaths catalog;  // relative paths are relative to the file's directory, as is `state`
  Settings settings;
  Duration poll = std::chrono::seconds(1);  // wait of a long poll
  Inventory inventory;
};

// kInvalid: one line per mistake, "file:line:column: …". kNotFound: no such file.
Result<Config> load_config(const std::filesystem::path& file);

// The scenarios, rules, runbooks and drill days that the configuration names, checked against its
// nodes. kInvalid or kNotFound, one line per mistake.
Result<Catalog> load_catalog(const Config& config);

}  // namespace panshi::controller
