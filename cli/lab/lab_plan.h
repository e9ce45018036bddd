// SPDX-License-Identifier: Apache-2.0
// LabPlan: from a lab file to what has to be written and started. Pure: nothing is touched.
//
// The format is in docs/reference/lab.md. Every mistake is reported with line and column.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/yaml.h"

namespace panshi::cli {

struct LabOptions {
  std::filesystem::path lab;                        // state directory of the whole lab, absolute
  std::filesystem::path bin;                        // where our programs are
  std::filesystem::path source;                     // root of the project
  std::string user;                                 // who runs it
  std::string network;                              // "127.78"; empty: the file's
  std::int64_t rate = 0;                            // orders per second; 0: the file's
  bool is_root = false;                             // whoever runs it
  std::map<std::string, std::string> secrets = {};  // values by name; absent: not made yet
};

struct PlannedFile {
  std::filesystem::path path;
  std::string content;
  std::filesystem::path from;  // a template to read instead of `content`, and expand
};

struct PlannedNode {
  std::string name;
  std::string address;
  std::uint16_t port = 0;
  std::string url;
  std::filesystem::path state;
  std::vector<std::string> services;
  nlohmann::json config;  // of the agent
};

struct LabPlan {
  std::string name;
  std::string network;
  std::int64_t rate = 0;
  std::string account;               // who the servers of the lab run as: nobody of rights
  std::vector<std::string> secrets;  // names; each is made for this lab, in secret_file()
  bool tls = true;  // between controller, agents and people; certificates are made in tls_folder()
  std::vector<PlannedFile> files;
  std::vector<PlannedNode> nodes;
  std::string controller_address;
  std::uint16_t controller_port = 0;
  nlohmann::json controller;  // its configuration

  const char* scheme() const { return tls ? "https://" : "http://"; }
};

inline constexpr std::uint16_t kAgentPort = 17701;  // unless the file says otherwise
inline constexpr std::uint16_t kControllerPort = 17700;

// kInvalid with one line per mistake.
Result<LabPlan> plan_lab(const Document& document, const LabOptions& options);
// The content of a file that comes from a template.
Result<std::string> expand_template(const LabPlan& plan, const LabOptions& options,
                                    const PlannedFile& file, std::string_view text);

std::filesystem::path config_file(const std::filesystem::path& lab, const std::string& name);
std::filesystem::path log_file(const std::filesystem::path& lab, const std::string& name);
std::filesystem::path secret_file(const std::filesystem::path& lab, const std::string& name);
std::filesystem::path tls_folder(const std::filesystem::path& lab);
std::filesystem::path node_state(const std::filesystem::path& lab, const std::string& node);
inline constexpr const char* kController = "controller";  // no node may be called so
// As its certificate names it.
inline constexpr const char* kControllerPeer = "controller/lab";

}  // namespace panshi::cli
