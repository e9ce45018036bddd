// SPDX-License-Identifier: Apache-2.0
// LabRecord: <state>/lab.json, what is up and where. Written before anything is started, so that a
// lab whose start was cut off can still be taken down.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::cli {

struct LabRecordNode {
  std::string name;
  std::string address;
  std::string url;
  std::string state;
  std::string token_file;
  std::string config;
  std::string log;
  pid_t pid = 0;  // of the agent when it was started; its lock file knows the present one
};

struct LabRecord {
  std::string name;
  std::string file;     // the lab file
  std::string network;  // "127.77"
  std::int64_t rate = 0;
  std::string controller_url;
  std::string controller_token_file;
  std::string authority;  // who signed the certificates of https:// urls; "": they are http://
  std::string controller_config;
  std::string controller_log;
  pid_t controller_pid = 0;
  std::vector<LabRecordNode> nodes;
};

nlohmann::json to_json(const LabRecord& record);
std::filesystem::path lab_record_file(const std::filesystem::path& lab);
Result<LabRecord> read_lab_record(const std::filesystem::path& lab);  // kNotFound when absent
Status write_lab_record(const std::filesystem::path& lab, const LabRecord& record);

}  // namespace panshi::cli
