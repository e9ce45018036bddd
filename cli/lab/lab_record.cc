// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/lab_record.h"

#include "core/io/files.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

void read_pid(Fields& in, const char* key, pid_t& pid) {
  std::int64_t value = 0;
  in.may(key, value, {0, std::numeric_limits<pid_t>::max()});
  pid = static_cast<pid_t>(value);
}

LabRecordNode read_node(const nlohmann::json& json, const std::string& path, Problems& problems) {
  LabRecordNode node;
  Fields in(json, path, problems);
  in.need("name", node.name);
  in.need("address", node.address);
  in.need("url", node.url);
  in.need("state", node.state);
  in.need("token_file", node.token_file);
  in.need("config", node.config);
  in.need("log", node.log);
  read_pid(in, "pid", node.pid);
  in.done();
  return node;
}

}  // namespace

nlohmann::json to_json(const LabRecord& record) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const LabRecordNode& node : record.nodes) {
    nodes.push_back({{"name", node.name},
                     {"address", node.address},
                     {"url", node.url},
                     {"state", node.state},
                     {"token_file", node.token_file},
                     {"config", node.config},
                     {"log", node.log},
                     {"pid", node.pid}});
  }
  return {{"name", record.name},
          {"file", record.file},
          {"network", record.network},
          {"rate", record.rate},
          {"controller_url", record.controller_url},
          {"controller_token_file", record.controller_token_file},
          {"authority", record.authority},
          {"controller_config", record.controller_config},
          {"controller_log", record.controller_log},
          {"controller_pid", record.controller_pid},
          {"nodes", std::move(nodes)}};
}

std::filesystem::path lab_record_file(const std::filesystem::path& lab) { return lab / "lab.json"; }

Result<LabRecord> read_lab_record(const std::filesystem::path& lab) {
  const std::filesystem::path file = lab_record_file(lab);
  // It says whom to call, and which file holds the token for that.
  if (auto ours = check_trusted(file); !ours) return tl::unexpected(ours.error());
  ASSIGN_OR_RETURN(const std::string text, read_file(file));
  Result<nlohmann::json> json = parse_json(text);
  if (!json) return fail(json.error(), file.string());
  LabRecord record;
  Problems problems;
  Fields in(*json, "", problems);
  in.need("name", record.name);
  in.need("file", record.file);
  in.need("network", record.network);
  in.may("rate", record.rate);
  in.need("controller_url", record.controller_url);
  in.need("controller_token_file", record.controller_token_file);
  in.may("authority", record.authority);
  in.need("controller_config", record.controller_config);
  in.need("controller_log", record.controller_log);
  read_pid(in, "controller_pid", record.controller_pid);
  in.may_each("nodes", [&](const nlohmann::json& item, std::string path) {
    record.nodes.push_back(read_node(item, path, problems));
  });
  in.done();
  if (!problems.empty()) return fail(problems.error(), file.string());
  return record;
}

Status write_lab_record(const std::filesystem::path& lab, const LabRecord& record) {
  return write_file_durably(lab_record_file(lab), dump_json_pretty(to_json(record)) + "\n");
}

}  // namespace panshi::cli
